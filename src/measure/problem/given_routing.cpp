// Five arrays of 32-bit words, one behind the other.
#include "measure/problem/given_routing.h"

#include <iterator>
#include <utility>

namespace moe::measure {
namespace {

constexpr std::size_t kAlignment = 256;

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

/// Copies what `view` shows to the next place in `memory` and makes it show the copy.
void move_to_device(Device& device, TensorView& view, std::byte*& memory) {
  device.copy_from_host(memory, view.data, view.bytes());
  view.data = memory;
  memory += aligned(view.bytes());
}

/// Of E + 1 and T + 1 offsets and three arrays by row.
std::int64_t array_bytes(std::int64_t num_experts, std::int64_t tokens, std::int64_t rows) {
  const auto words = [](std::int64_t count) {
    return aligned(static_cast<std::size_t>(4 * count));
  };
  return static_cast<std::int64_t>(words(num_experts + 1) + words(tokens + 1) + 3 * words(rows));
}

}  // namespace

GivenRouting::GivenRouting(Device& device, const LayerConfig& config,
                           const routing::TraceLayer& layer, std::int64_t tokens,
                           std::uint64_t rounding_seed)
    : GivenRouting(device, routing::replay(config, layer, tokens, rounding_seed)) {
  if (!layer.logits.empty()) {
    logits_ = {layer.logits.data(), static_cast<std::size_t>(tokens * config.num_experts)};
  }
}

GivenRouting::GivenRouting(Device& device, routing::GivenRows rows)
    : rows_(std::move(rows)),
      memory_(device, static_cast<std::size_t>(bytes(rows_))),
      host_(rows_.view()),
      device_(host_) {
  std::byte* place = memory_.data();
  for (TensorView* view : {&device_.expert_offsets, &device_.row_tokens, &device_.row_scores,
                           &device_.token_offsets, &device_.token_rows}) {
    move_to_device(device, *view, place);
  }
  device_.chosen_experts = device_.chosen_scores = {};
}

std::int64_t GivenRouting::bytes(const LayerConfig& config, std::int64_t tokens) {
  return array_bytes(config.num_experts, tokens, max_routed_rows(config, tokens));
}

std::int64_t GivenRouting::bytes(const routing::GivenRows& rows) {
  return array_bytes(std::ssize(rows.expert_offsets) - 1, std::ssize(rows.token_offsets) - 1,
                     rows.max_rows);
}

}  // namespace moe::measure
