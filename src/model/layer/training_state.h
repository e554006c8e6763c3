// What training keeps of every parameter: the weight, its gradient, the optimiser's memory of it,
// and how ZeRO spreads them over data-parallel ranks (arXiv 1910.02054).
#pragma once

#include <cstdint>
#include <string_view>

#include "moe/dtype.h"

namespace moe::model {

enum class Optimizer {
  none,        // no optimiser: inference, or passes alone
  adamw,       // float32 master copy (of 16-bit weights only), float32 first and second moment
  adamw_bf16,  // the same with moments in bfloat16, as DeepSeek-V3 (arXiv 2412.19437, 3.3.3)
  sgd,         // momentum in float32, and the master copy
};

constexpr std::string_view name_of(Optimizer optimizer) {
  switch (optimizer) {
    case Optimizer::none: return "none";
    case Optimizer::adamw: return "adamw";
    case Optimizer::adamw_bf16: return "adamw_bf16";
    case Optimizer::sgd: return "sgd";
  }
  return "?";
}

struct StateRules {
  Optimizer optimizer = Optimizer::adamw;
  DType gradient_dtype = DType::bf16;
  int zero_stage = 0;      // 1: optimiser sharded; 2: gradients too; 3: weights too
  std::int64_t ranks = 1;  // data-parallel replicas of these parameters
  bool gradients = true;   // false: inference
};

/// Bytes on one rank. ZeRO's shares are rounded up to whole parameters.
struct StateBytes {
  std::int64_t weights = 0;
  std::int64_t gradients = 0;
  std::int64_t optimizer = 0;

  std::int64_t total() const { return weights + gradients + optimizer; }
};

/// Bytes of optimiser state per parameter: 12 for AdamW over 16-bit weights.
std::int64_t optimizer_bytes_per_parameter(Optimizer optimizer, DType weight_dtype);

/// `parameters` is what one rank would hold without ZeRO, so already divided by expert, tensor and
/// pipeline parallelism. Throws Error{usage} for a stage outside 0 to 3 or less than one rank.
StateBytes training_state(std::int64_t parameters, DType weight_dtype, const StateRules& rules);

}  // namespace moe::model
