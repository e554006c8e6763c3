// Tables to runs. Absent keys have the values of a plain plan: no tensor or pipeline parallelism,
// one sequence per micro-batch, ZeRO 1, bfloat16, an eager framework.
#include "model/published/published_points.h"

#include <map>

#include "config/load.h"
#include "config/nearest_name.h"
#include "model/step/step_time.h"

namespace moe::model {
namespace {

using config::TomlTable;
using Models = std::map<std::string, ModelConfig>;

std::int64_t whole_or(const TomlTable& table, const char* key, std::int64_t fallback) {
  return static_cast<std::int64_t>(table.number_or(key, static_cast<double>(fallback)));
}

template <class Enum>
Enum named(const TomlTable& table, const char* key, std::initializer_list<Enum> choices) {
  const std::string text = table.text_or(key, std::string(name_of(*choices.begin())));
  std::vector<std::string> known;
  for (Enum choice : choices) {
    if (text == name_of(choice)) return choice;
    known.emplace_back(name_of(choice));
  }
  throw table.error(config::unknown_name(key, text, known), "known: " + config::listed(known));
}

ModelConfig read_model(const TomlTable& table) {
  ModelConfig model;
  model.name = table.text("name");
  LayerConfig& layer = model.layer;
  layer.dtype = DType::bf16;
  layer.activation = table.flag_or("gated", true) ? Activation::swiglu : Activation::relu2;
  layer.hidden_dim = static_cast<std::int64_t>(table.number("hidden_dim"));
  layer.ffn_dim = whole_or(table, "ffn_dim", 0);
  layer.num_experts = whole_or(table, "num_experts", 0);
  layer.top_k = whole_or(table, "top_k", 0);
  layer.shared.ffn_dim = whole_or(table, "shared_ffn_dim", 0);
  model.num_layers = static_cast<std::int64_t>(table.number("num_layers"));
  model.num_dense_layers = whole_or(table, "num_dense_layers", 0);
  model.dense_ffn_dim = whole_or(table, "dense_ffn_dim", 0);
  model.attention.kind = AttentionKind::grouped_query;
  model.attention.num_heads = static_cast<std::int64_t>(table.number("num_heads"));
  model.attention.num_kv_heads = static_cast<std::int64_t>(table.number("num_kv_heads"));
  model.attention.head_dim = static_cast<std::int64_t>(table.number("head_dim"));
  model.vocab_size = static_cast<std::int64_t>(table.number("vocab_size"));
  table.refuse_unknown_keys();
  return model;
}

ModelConfig model_named(const std::string& name, const Models& models) {
  const auto found = models.find(name);
  return found != models.end() ? found->second : config::load_config(name);
}

TrainingSetup read_setup(const TomlTable& table, const Models& models) {
  TrainingSetup setup;
  setup.model = model_named(table.text("config"), models);
  setup.model.seq_len = whole_or(table, "seq_len", 4096);
  setup.gpu = gpu_preset(table.text("gpu"));
  setup.network = make_network(setup.gpu, usual_infiniband(setup.gpu));
  setup.variant = table.text("variant");
  setup.fp8 = table.flag_or("fp8", false);
  setup.graphs = table.flag_or("graphs", false);
  setup.optimizer = named(table, "optimizer", {Optimizer::adamw, Optimizer::adamw_bf16});
  setup.node_limit = whole_or(table, "node_limit", 0);
  setup.exchange_sm_share = table.number_or("exchange_sm_share", 0);
  return setup;
}

ParallelPlan read_plan(const TomlTable& table) {
  ParallelPlan plan;
  plan.gpus = static_cast<std::int64_t>(table.number("gpus"));
  plan.tensor = whole_or(table, "tensor", 1);
  plan.pipeline = whole_or(table, "pipeline", 1);
  plan.expert = whole_or(table, "expert", 1);
  plan.virtual_stages = whole_or(table, "virtual_stages", 1);
  plan.micro_batch = whole_or(table, "micro_batch", 1);
  plan.global_batch = static_cast<std::int64_t>(table.number("global_batch"));
  plan.zero_stage = static_cast<int>(whole_or(table, "zero_stage", 1));
  plan.schedule =
      named(table, "schedule", {Schedule::one_f_one_b, Schedule::zero_bubble, Schedule::dual_pipe});
  return plan;
}

PublishedRun read_run(const TomlTable& table, const Models& models) {
  PublishedRun run;
  run.name = table.text("name");
  run.source = table.text("source");
  run.assumed = table.text_or("assumed", "");
  run.setup = read_setup(table, models);
  run.plan = read_plan(table);
  run.balanced = table.flag_or("balanced", false);
  run.fit = table.flag_or("fit", false);
  if (table.has("mfu")) {
    run.tokens_per_s_per_gpu = table.number("mfu") * run.setup.gpu.bf16_flops_per_s /
                               training_flops_per_token(run.setup.model);
  } else {
    run.tokens_per_s_per_gpu = table.number("tokens_per_s_per_gpu");
  }
  table.refuse_unknown_keys();
  if (const auto problem = plan_problem(run.plan, run.setup.model)) throw table.error(*problem);
  return run;
}

PublishedLayer read_layer(const TomlTable& table, const Models& models) {
  PublishedLayer layer;
  layer.name = table.text("name");
  layer.source = table.text("source");
  layer.variant = table.text("variant");
  layer.config = model_named(table.text("config"), models).layer;
  layer.gpu = gpu_preset(table.text("gpu"));
  layer.tokens = static_cast<std::int64_t>(table.number("tokens"));
  const std::string pass = table.text("pass");
  if (pass != "forward" && pass != "backward") {
    throw table.error("pass '" + pass + "'", "passes are forward and backward");
  }
  layer.forward = pass == "forward";
  layer.flops_per_s = table.number("tflops") * 1e12;
  table.refuse_unknown_keys();
  return layer;
}

}  // namespace

PublishedPoints read_published_points(const config::TomlTable& root) {
  Models models;
  for (const TomlTable& table : root.tables("model")) {
    const ModelConfig model = read_model(table);
    models[model.name] = model;
  }
  PublishedPoints points;
  for (const TomlTable& table : root.tables("run")) points.runs.push_back(read_run(table, models));
  for (const TomlTable& table : root.tables("layer")) {
    points.layers.push_back(read_layer(table, models));
  }
  root.refuse_unknown_keys();
  return points;
}

}  // namespace moe::model
