// Predictions of memory for any device, and measurements on one that is here, as a record.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "measure/memory/memory_meter.h"
#include "model/layer/strategy.h"
#include "model/published/fit.h"
#include "record/memory_run.h"

namespace moe::measure {

/// The device that plans are made for. It need not be here.
struct MemoryTarget {
  std::string name;
  std::string remark;  // why it was chosen, where its figures are from
  DeviceTraits traits;
  model::Rates rates;
  std::int64_t capacity_bytes = 0;
};

/// The target that stands for a GPU of the datasheet table. Its plans are those of the CUDA
/// variants where this build has them, else those of the algorithm without kernels' own scratch.
MemoryTarget target_of(const model::GpuPreset& gpu);

struct MemoryRequest {
  ModelConfig model;                  // layer.rounding: the rule of "+rounding" rows
  std::vector<std::string> variants;  // labels, in the order of the table
  std::string baseline;
  bool training = true;
  model::Optimizer optimizer = model::Optimizer::adamw;
  std::vector<model::Strategy> strategies;
  routing::Traffic traffic;
  std::uint64_t seed = 42;
  double max_time_s = 60;  // no pass begins that is expected to end after it
};

/// The variant that a label means on the target. Throws Error{usage} for an unknown label.
VariantChoice choose_variant(const MemoryTarget& target, const std::string& label);

/// The layer as a label runs it on the target with that many tokens.
model::LayerSetup layer_setup(const MemoryTarget& target, const MemoryRequest& request,
                              const std::string& label, std::int64_t tokens);

/// Fills rows and strategies from plans alone; nothing is allocated.
void predict_memory(const MemoryTarget& target, const MemoryRequest& request,
                    record::MemoryRun& run);

struct MemoryEvents {
  std::function<void(const std::string& text)> status;
  std::function<bool()> interrupted;  // true = stop after the pass at work
};

/// Adds readings to a predicted run: one pass of each variant on `device`, which is the target, and
/// of each strategy that a layer of this library can run. What the time does not reach says so in
/// `not_measured`, or stays modelled. Returns false when interrupted.
bool measure_memory(Device& device, const MemoryTarget& target, const MemoryRequest& request,
                    const MemoryEvents& events, record::MemoryRun& run);

/// Bytes that measure_memory() allocates at most, and FLOP of its longest pass.
struct MemoryEffort {
  std::int64_t bytes = 0;
  double flops = 0;
};
MemoryEffort measuring_effort(const MemoryTarget& target, const MemoryRequest& request);

}  // namespace moe::measure
