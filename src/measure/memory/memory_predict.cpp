// Plans into records.
#include <algorithm>

#include "measure/memory/memory_analysis.h"
#include "measure/memory/memory_strategies.h"
#include "measure/problem/memory_need.h"
#include "model/layer/row_bounds.h"

namespace moe::measure {
namespace {

using model::Composition;
using model::LayerSetup;
using model::Phase;

// What the CUDA backend asks of a Hopper GPU (docs/hopper.md).
constexpr std::size_t kGpuAlignment = 1024;
constexpr std::size_t kGpuGemmScratchBytes = 32 << 20;
constexpr int kGpuCores = 132;

record::MemoryPhase phase_record(const LayerSetup& setup, Phase phase) {
  const Composition all = composition(setup, phase);
  record::MemoryPhase record{
      .phase = std::string(name_of(phase)), .step = all.step, .total_bytes = all.total()};
  const bool is_backward = phase == Phase::backward;
  for (const Step& step : is_backward ? setup.plan.backward : setup.plan.forward) {
    record.flops += step.flops;
    record.device_memory_bytes += step.bytes;
    record.steps.push_back({step.name, step.flops, step.bytes});
  }
  for (const model::Tensor& tensor : all.tensors) {
    record.tensors.push_back({tensor.name, std::string(name_of(tensor.part)), tensor.bytes});
  }
  return record;
}

LayerSetup with_rows(const MemoryTarget& target, const VariantChoice& choice, LayerSetup setup,
                     std::int64_t rows) {
  Request request = setup.plan.request;
  request.max_rows = rows;
  setup.plan = choice.variant->plan(request, target.traits);
  return setup;
}

record::MemoryRowBounds bounds_record(const MemoryTarget& target, const VariantChoice& choice,
                                      const LayerSetup& setup) {
  const model::RowBounds rows = model::row_bounds(setup.config(), setup.tokens());
  return {rows.least, rows.most, held_bytes(with_rows(target, choice, setup, rows.least)),
          held_bytes(with_rows(target, choice, setup, rows.most))};
}

record::MemoryFit fit_record(const MemoryTarget& target, const MemoryRequest& request,
                             const std::string& label, model::Optimizer optimizer) {
  MemoryRequest own = request;
  own.optimizer = optimizer;
  const model::Fit fit = model::largest_fit(
      [&](std::int64_t tokens) { return layer_setup(target, own, label, tokens); },
      target.capacity_bytes);
  record::MemoryFit record{.scope = optimizer == model::Optimizer::none ? "pass" : "step",
                           .tokens = fit.tokens,
                           .sequences = fit.tokens / request.model.seq_len,
                           .bytes = fit.bytes,
                           .limit_phase = std::string(name_of(fit.limit.phase)),
                           .limit_step = fit.limit.step};
  const model::Tensor* largest = model::largest_activation(fit.limit);
  if (fit.tokens == 0 || largest == nullptr) {
    record.limit_tensor = "states";
    record.limit_tensor_bytes = fit.limit.total();
  } else {
    record.limit_tensor = largest->name;
    record.limit_tensor_bytes = largest->bytes;
  }
  return record;
}

record::MemoryRow row_record(const MemoryTarget& target, const MemoryRequest& request,
                             const std::string& label) {
  const LayerSetup setup = layer_setup(target, request, label, request.model.tokens());
  const VariantChoice choice = choose_variant(target, label);
  record::MemoryRow row{.variant = label, .held_bytes = held_bytes(setup)};
  if (request.training) {
    row.phases = {phase_record(setup, Phase::forward), phase_record(setup, Phase::backward)};
  } else {
    row.phases = {phase_record(setup, Phase::inference)};
  }
  if (choice.rounded) row.rows = bounds_record(target, choice, setup);
  row.fits.push_back(fit_record(target, request, label, model::Optimizer::none));
  if (request.training && request.optimizer != model::Optimizer::none) {
    row.fits.push_back(fit_record(target, request, label, request.optimizer));
  }
  return row;
}

}  // namespace

MemoryTarget target_of(const model::GpuPreset& gpu) {
  MemoryTarget target;
  target.name = gpu.product;
  target.traits.kind = DeviceKind::cuda;
  target.traits.name = gpu.product;
  target.traits.num_cores = kGpuCores;
  target.traits.memory_bytes = static_cast<std::size_t>(gpu.memory_bytes);
  target.traits.alignment = kGpuAlignment;
  target.traits.gemm_scratch_bytes = kGpuGemmScratchBytes;
  target.traits.has_bf16 = true;
  target.rates = model::attainable_rates(gpu);
  target.capacity_bytes = gpu.memory_bytes;
  return target;
}

VariantChoice choose_variant(const MemoryTarget& target, const std::string& label) {
  const std::string name = label.substr(0, label.find('+'));
  const bool own = find_variant(target.traits.kind, name) != nullptr;
  return parse_variant(own ? target.traits.kind : DeviceKind::cpu, label);
}

LayerSetup layer_setup(const MemoryTarget& target, const MemoryRequest& request,
                       const std::string& label, std::int64_t tokens) {
  const VariantChoice choice = choose_variant(target, label);
  const LayerConfig config = choice.config(request.model.layer);
  LayerSetup setup;
  setup.plan = choice.variant->plan(make_request(config, tokens, request.training), target.traits);
  setup.states.optimizer = request.optimizer;
  setup.states.gradient_dtype = config.dtype;
  return setup;
}

void predict_memory(const MemoryTarget& target, const MemoryRequest& request,
                    record::MemoryRun& run) {
  run.model = request.model;
  run.mode = request.training ? "forward_backward" : "forward";
  run.baseline = request.baseline;
  run.optimizer = request.training ? std::string(name_of(request.optimizer)) : std::string("none");
  run.target = target.name;
  run.target_remark = target.remark;
  run.capacity_bytes = target.capacity_bytes;
  run.flops_per_s = target.rates.flops;
  run.bytes_per_s = target.rates.bytes;
  for (const std::string& label : request.variants) {
    run.rows.push_back(row_record(target, request, label));
  }
  predict_strategies(target, request, run);
}

MemoryEffort measuring_effort(const MemoryTarget& target, const MemoryRequest& request) {
  MemoryEffort effort;
  const std::int64_t tokens = request.model.tokens();
  for (const std::string& label : request.variants) {
    const LayerSetup setup = layer_setup(target, request, label, tokens);
    const auto regions =
        static_cast<std::int64_t>(setup.plan.saved_bytes + setup.plan.workspace_bytes);
    const std::int64_t tensors = shared_tensor_bytes(request.model.layer, tokens, request.training);
    effort.bytes = std::max(effort.bytes, regions + tensors);
    effort.flops = std::max(effort.flops, model::forward_work(setup.plan).flops +
                                              model::backward_work(setup.plan).flops);
  }
  return effort;
}

}  // namespace moe::measure
