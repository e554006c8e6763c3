// Which device an analysis is for, and whether it is run there.
#pragma once

#include <memory>
#include <string>

#include "measure/memory/memory_analysis.h"
#include "memory/options.h"

namespace moe::programs {

struct ChosenTarget {
  measure::MemoryTarget target;
  std::unique_ptr<Device> device;  // of this machine; the CPU where the target is not here
  bool is_here = false;            // the target is `device`
  bool measures = false;           // and a pass may be run on it
  std::string why_not;             // where nothing is measured
};

/// GPUs run bfloat16: the default configuration takes that where no flag asked for a type.
void settle_dtype(MemoryOptions& options, DeviceKind kind);

/// With --gpu that preset, else the device. A layer that the CPU cannot run in the time and memory
/// it has is predicted for an H100, unless the CPU was asked for. Throws Error{usage, device}.
ChosenTarget choose_target(const MemoryOptions& options, const measure::MemoryRequest& request);

}  // namespace moe::programs
