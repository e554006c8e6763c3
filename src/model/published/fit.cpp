// Doubling, then bisection.
#include "model/published/fit.h"

#include <algorithm>

namespace moe::model {
namespace {

constexpr std::int64_t kGranule = 64;
constexpr std::int64_t kMostTokens = std::int64_t{1} << 31;

bool is_state(Part part) {
  return part == Part::expert_weights || part == Part::other_weights || part == Part::gradients ||
         part == Part::optimizer;
}

}  // namespace

Fit largest_fit(const std::function<LayerSetup(std::int64_t)>& setup, std::int64_t capacity_bytes) {
  const auto peak_of = [&](std::int64_t tokens) { return peak(setup(tokens)); };
  const auto fits = [&](std::int64_t tokens) { return peak_of(tokens).total() <= capacity_bytes; };
  if (!fits(1)) {
    Composition one = peak_of(1);
    return {0, one.total(), one};
  }
  std::int64_t low = 1, high = 2;
  while (high < kMostTokens && fits(high)) {
    low = high;
    high *= 2;
  }
  while (high - low > (low >= kGranule ? kGranule : 1)) {
    std::int64_t middle = low + (high - low) / 2;
    if (low >= kGranule) middle = middle / kGranule * kGranule;
    (fits(middle) ? low : high) = middle;
  }
  return {low, peak_of(low).total(), peak_of(high)};
}

const Tensor* largest_activation(const Composition& composition) {
  const Tensor* largest = nullptr;
  for (const Tensor& tensor : composition.tensors) {
    if (is_state(tensor.part)) continue;
    if (largest == nullptr || tensor.bytes > largest->bytes) largest = &tensor;
  }
  return largest;
}

}  // namespace moe::model
