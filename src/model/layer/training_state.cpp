// Bytes per parameter times parameters per rank.
#include "model/layer/training_state.h"

#include <string>

#include "moe/error.h"

namespace moe::model {

std::int64_t optimizer_bytes_per_parameter(Optimizer optimizer, DType weight_dtype) {
  const std::int64_t master = weight_dtype == DType::f32 ? 0 : 4;
  switch (optimizer) {
    case Optimizer::none: return 0;
    case Optimizer::adamw: return master + 4 + 4;
    case Optimizer::adamw_bf16: return master + 2 + 2;
    case Optimizer::sgd: return master + 4;
  }
  return 0;
}

StateBytes training_state(std::int64_t parameters, DType weight_dtype, const StateRules& rules) {
  if (rules.zero_stage < 0 || rules.zero_stage > 3) {
    throw Error(ErrorKind::usage, "ZeRO stage " + std::to_string(rules.zero_stage), "",
                "stages are 0 (nothing sharded) to 3 (optimiser, gradients and weights)");
  }
  if (rules.ranks < 1) {
    throw Error(ErrorKind::usage, std::to_string(rules.ranks) + " data-parallel ranks", "",
                "at least one is needed");
  }
  const std::int64_t share = (parameters + rules.ranks - 1) / rules.ranks;
  const auto held = [&](int from_stage) {
    return rules.zero_stage >= from_stage ? share : parameters;
  };
  StateBytes bytes;
  bytes.weights = held(3) * static_cast<std::int64_t>(size_of(weight_dtype));
  if (rules.gradients) {
    bytes.gradients = held(2) * static_cast<std::int64_t>(size_of(rules.gradient_dtype));
  }
  bytes.optimizer = held(1) * optimizer_bytes_per_parameter(rules.optimizer, weight_dtype);
  return bytes;
}

}  // namespace moe::model
