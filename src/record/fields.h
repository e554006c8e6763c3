// The names of all fields in files, each listed once: the writer and the reader of record/json.cpp
// both walk these lists, so that they cannot disagree. A visitor is called as field("name",
// member).
#pragma once

#include <concepts>
#include <type_traits>

#include "record/comparison.h"
#include "record/record.h"

namespace moe::record {

/// T is Struct or const Struct.
template <class T, class Struct>
concept Like = std::same_as<std::remove_const_t<T>, Struct>;

void visit_fields(auto& field, Like<Gate> auto& gate) {
  field("kind", gate.kind);
  field("renormalize", gate.renormalize);
  field("selection_bias", gate.selection_bias);
  field("num_groups", gate.num_groups);
  field("kept_groups", gate.kept_groups);
  field("scale", gate.scale);
  field("logit_bias", gate.logit_bias);
}

void visit_fields(auto& field, Like<Rounding> auto& rounding) {
  field("rule", rounding.rule);
  field("tile", rounding.tile);
}

void visit_fields(auto& field, Like<SharedExpert> auto& shared) {
  field("ffn_dim", shared.ffn_dim);
  field("gated", shared.gated);
}

void visit_fields(auto& field, Like<LayerConfig> auto& layer) {
  field("hidden_dim", layer.hidden_dim);
  field("ffn_dim", layer.ffn_dim);
  field("num_experts", layer.num_experts);
  field("top_k", layer.top_k);
  field("activation", layer.activation);
  field("up_layout", layer.up_layout);
  field("dtype", layer.dtype);
  field("expert_bias", layer.expert_bias);
  field("gate", layer.gate);
  field("rounding", layer.rounding);
  field("shared", layer.shared);
}

void visit_fields(auto& field, Like<SparseIndex> auto& index) {
  field("num_heads", index.num_heads);
  field("head_dim", index.head_dim);
  field("top_k", index.top_k);
}

void visit_fields(auto& field, Like<Attention> auto& attention) {
  field("kind", attention.kind);
  field("num_layers", attention.num_layers);
  field("num_heads", attention.num_heads);
  field("num_kv_heads", attention.num_kv_heads);
  field("head_dim", attention.head_dim);
  field("output_gate", attention.output_gate);
  field("q_lora_rank", attention.q_lora_rank);
  field("kv_lora_rank", attention.kv_lora_rank);
  field("qk_rope_head_dim", attention.qk_rope_head_dim);
  field("qk_nope_head_dim", attention.qk_nope_head_dim);
  field("v_head_dim", attention.v_head_dim);
  field("index", attention.index);
  field("sliding_window", attention.sliding_window);
  field("num_sliding_layers", attention.num_sliding_layers);
}

void visit_fields(auto& field, Like<LinearMixer> auto& linear) {
  field("num_layers", linear.num_layers);
  field("parameters", linear.parameters);
  field("state_elements", linear.state_elements);
}

void visit_fields(auto& field, Like<ModelConfig> auto& model) {
  field("name", model.name);
  field("layer", model.layer);
  field("batch_size", model.batch_size);
  field("seq_len", model.seq_len);
  field("num_layers", model.num_layers);
  field("num_dense_layers", model.num_dense_layers);
  field("dense_ffn_dim", model.dense_ffn_dim);
  field("attention", model.attention);
  field("linear", model.linear);
  field("vocab_size", model.vocab_size);
  field("tied_embeddings", model.tied_embeddings);
  field("max_context", model.max_context);
  field("num_prediction_layers", model.num_prediction_layers);
  field("source", model.source);
  field("note", model.note);
  field("unsupported", model.unsupported);
  field("not_modelled", model.not_modelled);
  field("not_understood", model.not_understood);
}

void visit_fields(auto& field, Like<Timing> auto& timing) {
  field("samples_s", timing.samples_s);
  field("median_s", timing.median_s);
  field("q1_s", timing.q1_s);
  field("q3_s", timing.q3_s);
  field("p5_s", timing.p5_s);
  field("p95_s", timing.p95_s);
  field("noise", timing.noise);
}

void visit_fields(auto& field, Like<Check> auto& check) {
  field("what", check.what);
  field("scope", check.scope);
  field("error", check.error);
  field("tolerance", check.tolerance);
  field("passed", check.passed);
  field("where", check.where);
}

void visit_fields(auto& field, Like<Load> auto& load) {
  field("used_experts", load.used_experts);
  field("max_over_mean", load.max_over_mean);
  field("min_over_mean", load.min_over_mean);
  field("max_violation", load.max_violation);
  field("cv", load.cv);
  field("cv_random", load.cv_random);
  field("entropy", load.entropy);
  field("gini", load.gini);
  field("tile_waste", load.tile_waste);
  field("auxiliary_loss", load.auxiliary_loss);
  field("z_loss", load.z_loss);
  field("utilization", load.utilization);
  field("utilization_before", load.utilization_before);
}

void visit_fields(auto& field, Like<RoundingReport> auto& rounding) {
  field("rule", rounding.rule);
  field("tile", rounding.tile);
  field("dropped_pairs", rounding.dropped_pairs);
  field("added_pairs", rounding.added_pairs);
  field("largest_change", rounding.largest_change);
  field("tokens_without_expert", rounding.tokens_without_expert);
  field("tokens_with_fewer", rounding.tokens_with_fewer);
  field("drop_rate", rounding.drop_rate);
  field("add_rate", rounding.add_rate);
}

void visit_fields(auto& field, Like<StepTime> auto& step) {
  field("phase", step.phase);
  field("step", step.step);
  field("median_s", step.median_s);
  field("flops", step.flops);
  field("bytes", step.bytes);
  field("floor_s", step.floor_s);
}

void visit_fields(auto& field, Like<Breakdown> auto& breakdown) {
  field("steps", breakdown.steps);
  field("forward_host_s", breakdown.forward_host_s);
  field("backward_host_s", breakdown.backward_host_s);
  field("forward_graph_host_s", breakdown.forward_graph_host_s);
  field("backward_graph_host_s", breakdown.backward_graph_host_s);
}

void visit_fields(auto& field, Like<DeviceConditions> auto& conditions) {
  field("core_mhz", conditions.core_mhz);
  field("memory_mhz", conditions.memory_mhz);
  field("power_w", conditions.power_w);
  field("temperature_c", conditions.temperature_c);
  field("throttled", conditions.throttled);
}

void visit_fields(auto& field, Like<Phases> auto& phases) {
  field("forward", phases.forward);
  field("backward", phases.backward);
  field("total", phases.total);
}

void visit_fields(auto& field, Like<Bytes> auto& bytes) {
  field("weights", bytes.weights);
  field("gradients", bytes.gradients);
  field("saved", bytes.saved);
  field("workspace", bytes.workspace);
  field("peak", bytes.peak);
  field("measured", bytes.measured);
}

void visit_fields(auto& field, Like<Row> auto& row) {
  field("variant", row.variant);
  field("point", row.point);
  field("status", row.status);
  field("reason", row.reason);
  field("largest_tokens", row.largest_tokens);
  field("forward", row.forward);
  field("backward", row.backward);
  field("total", row.total);
  field("graph_forward", row.graph_forward);
  field("graph_backward", row.graph_backward);
  field("graph_total", row.graph_total);
  field("no_graph_reason", row.no_graph_reason);
  field("tokens", row.tokens);
  field("executed_pairs", row.executed_pairs);
  field("credited_pairs", row.credited_pairs);
  field("different_routing", row.different_routing);
  field("reference", row.reference);
  field("tokens_per_s", row.tokens_per_s);
  field("flops_per_s", row.flops_per_s);
  field("ceiling_fraction", row.ceiling_fraction);
  field("speedup", row.speedup);
  field("dense_bound_flops_per_s", row.dense_bound_flops_per_s);
  field("dense_bound_fraction", row.dense_bound_fraction);
  field("bytes", row.bytes);
  field("checks", row.checks);
  field("check_s", row.check_s);
  field("breakdown", row.breakdown);
  field("conditions_before", row.conditions_before);
  field("conditions_after", row.conditions_after);
  field("core_mhz", row.core_mhz);
  field("load", row.load);
  field("rounding", row.rounding);
}

void visit_fields(auto& field, Like<EpRank> auto& rank) {
  field("rank", rank.rank);
  field("ranks", rank.ranks);
  field("num_experts", rank.num_experts);
  field("tokens", rank.tokens);
}

void visit_fields(auto& field, Like<Environment> auto& environment) {
  field("device_kind", environment.device_kind);
  field("device_name", environment.device_name);
  field("num_cores", environment.num_cores);
  field("memory_bytes", environment.memory_bytes);
  field("host_cpu", environment.host_cpu);
  field("os", environment.os);
  field("compiler", environment.compiler);
  field("build_type", environment.build_type);
  field("version", environment.version);
  field("git_commit", environment.git_commit);
  field("git_dirty", environment.git_dirty);
  field("gemm_library", environment.gemm_library);
  field("extra", environment.extra);
}

void visit_fields(auto& field, Like<Point> auto& point) {
  field("values", point.values);
  field("model", point.model);
  field("traffic", point.traffic);
  field("gemm_ceiling_flops_per_s", point.gemm_ceiling_flops_per_s);
  field("copy_ceiling_bytes_per_s", point.copy_ceiling_bytes_per_s);
  field("flops_per_pass", point.flops_per_pass);
  field("warnings", point.warnings);
  field("verdict", point.verdict);
}

void visit_fields(auto& field, Like<Run> auto& run) {
  field("id", run.id);
  field("program", run.program);
  field("argv", run.argv);
  field("repeat_command", run.repeat_command);
  field("request", run.request);
  field("environment", run.environment);
  field("model", run.model);
  field("ep_rank", run.ep_rank);
  field("mode", run.mode);
  field("traffic", run.traffic);
  field("seed", run.seed);
  field("baseline", run.baseline);
  field("gemm_ceiling_flops_per_s", run.gemm_ceiling_flops_per_s);
  field("copy_ceiling_bytes_per_s", run.copy_ceiling_bytes_per_s);
  field("flops_per_pass", run.flops_per_pass);
  field("noise_target", run.noise_target);
  field("min_samples", run.min_samples);
  field("swept", run.swept);
  field("points", run.points);
  field("rows", run.rows);
  field("warnings", run.warnings);
  field("verdict", run.verdict);
}

void visit_fields(auto& field, Like<PointComparison> auto& point) {
  field("point", point.point);
  field("pass", point.pass);
  field("a_median_s", point.a_median_s);
  field("b_median_s", point.b_median_s);
  field("a_samples", point.a_samples);
  field("b_samples", point.b_samples);
  field("change", point.change);
  field("change_low", point.change_low);
  field("change_high", point.change_high);
  field("p", point.p);
  field("a_core_mhz", point.a_core_mhz);
  field("b_core_mhz", point.b_core_mhz);
  field("slower_share", point.slower_share);
  field("verdict", point.verdict);
  field("reason", point.reason);
}

void visit_fields(auto& field, Like<Difference> auto& difference) {
  field("field", difference.field);
  field("a", difference.a);
  field("b", difference.b);
}

void visit_fields(auto& field, Like<Comparison> auto& comparison) {
  field("a", comparison.a);
  field("b", comparison.b);
  field("threshold", comparison.threshold);
  field("confidence", comparison.confidence);
  field("conflicts", comparison.conflicts);
  field("differences", comparison.differences);
  field("a_gemm_ceiling_flops_per_s", comparison.a_gemm_ceiling_flops_per_s);
  field("b_gemm_ceiling_flops_per_s", comparison.b_gemm_ceiling_flops_per_s);
  field("points", comparison.points);
  field("lost", comparison.lost);
  field("remarks", comparison.remarks);
}

}  // namespace moe::record
