// Names of the fields of a MemoryRun in files; see record/fields.h.
#pragma once

#include "record/fields.h"
#include "record/memory_run.h"

namespace moe::record {

void visit_fields(auto& field, Like<MemoryTensor> auto& tensor) {
  field("name", tensor.name);
  field("part", tensor.part);
  field("bytes", tensor.bytes);
}

void visit_fields(auto& field, Like<MemoryStep> auto& step) {
  field("name", step.name);
  field("flops", step.flops);
  field("device_memory_bytes", step.device_memory_bytes);
}

void visit_fields(auto& field, Like<MemoryPhase> auto& phase) {
  field("phase", phase.phase);
  field("step", phase.step);
  field("total_bytes", phase.total_bytes);
  field("tensors", phase.tensors);
  field("flops", phase.flops);
  field("device_memory_bytes", phase.device_memory_bytes);
  field("steps", phase.steps);
}

void visit_fields(auto& field, Like<MemoryReading> auto& reading) {
  field("saved_bytes", reading.saved_bytes);
  field("forward_workspace_bytes", reading.forward_workspace_bytes);
  field("workspace_bytes", reading.workspace_bytes);
  field("allocated_bytes", reading.allocated_bytes);
  field("device_bytes", reading.device_bytes);
  field("executed_pairs", reading.executed_pairs);
  field("seconds", reading.seconds);
}

void visit_fields(auto& field, Like<MemoryRowBounds> auto& bounds) {
  field("least_rows", bounds.least_rows);
  field("most_rows", bounds.most_rows);
  field("least_held_bytes", bounds.least_held_bytes);
  field("most_held_bytes", bounds.most_held_bytes);
  field("exact_rows", bounds.exact_rows);
  field("exact_held_bytes", bounds.exact_held_bytes);
}

void visit_fields(auto& field, Like<MemoryFit> auto& fit) {
  field("scope", fit.scope);
  field("tokens", fit.tokens);
  field("sequences", fit.sequences);
  field("bytes", fit.bytes);
  field("limit_phase", fit.limit_phase);
  field("limit_step", fit.limit_step);
  field("limit_tensor", fit.limit_tensor);
  field("limit_tensor_bytes", fit.limit_tensor_bytes);
}

void visit_fields(auto& field, Like<MemoryRow> auto& row) {
  field("variant", row.variant);
  field("held_bytes", row.held_bytes);
  field("phases", row.phases);
  field("not_measured", row.not_measured);
  field("measured", row.measured);
  field("rows", row.rows);
  field("fits", row.fits);
}

void visit_fields(auto& field, Like<MemoryStrategy> auto& strategy) {
  field("strategy", strategy.strategy);
  field("variant", strategy.variant);
  field("basis", strategy.basis);
  field("not_applicable", strategy.not_applicable);
  field("remark", strategy.remark);
  field("held_before", strategy.held_before);
  field("held_after", strategy.held_after);
  field("peak_before", strategy.peak_before);
  field("peak_after", strategy.peak_after);
  field("flops", strategy.flops);
  field("memory_bytes", strategy.memory_bytes);
  field("link_bytes", strategy.link_bytes);
  field("host_bytes", strategy.host_bytes);
  field("seconds", strategy.seconds);
  field("measured_before", strategy.measured_before);
  field("measured_after", strategy.measured_after);
  field("measured_seconds", strategy.measured_seconds);
}

void visit_fields(auto& field, Like<MemoryRun> auto& run) {
  field("id", run.id);
  field("program", run.program);
  field("argv", run.argv);
  field("repeat_command", run.repeat_command);
  field("environment", run.environment);
  field("model", run.model);
  field("mode", run.mode);
  field("baseline", run.baseline);
  field("optimizer", run.optimizer);
  field("target", run.target);
  field("target_is_here", run.target_is_here);
  field("target_remark", run.target_remark);
  field("capacity_bytes", run.capacity_bytes);
  field("flops_per_s", run.flops_per_s);
  field("bytes_per_s", run.bytes_per_s);
  field("rows", run.rows);
  field("strategies", run.strategies);
  field("warnings", run.warnings);
}

}  // namespace moe::record
