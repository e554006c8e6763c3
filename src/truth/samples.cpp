// Samples with the places where implementations go wrong among them.
#include "truth/samples.h"

#include <algorithm>
#include <random>

namespace moe::truth {

std::vector<std::int64_t> sample(std::int64_t total, std::int64_t wanted,
                                 std::set<std::int64_t> included, std::uint64_t seed) {
  if (wanted >= total) {
    for (std::int64_t i = 0; i < total; ++i) included.insert(i);
  }
  std::mt19937_64 random(seed);
  while (static_cast<std::int64_t>(included.size()) < std::min(wanted, total)) {
    included.insert(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(total)));
  }
  return {included.begin(), included.end()};
}

std::set<std::int64_t> telling_experts(const RoutedRows& routed) {
  const auto num_experts = static_cast<std::int64_t>(routed.expert_offsets.size()) - 1;
  const auto rows = [&](std::int64_t e) {
    return routed.expert_offsets[e + 1] - routed.expert_offsets[e];
  };
  std::int64_t smallest = -1, largest = -1, empty = -1;
  for (std::int64_t e = 0; e < num_experts; ++e) {
    if (rows(e) == 0) {
      empty = e;
    } else {
      if (smallest < 0 || rows(e) < rows(smallest)) smallest = e;
      if (largest < 0 || rows(e) > rows(largest)) largest = e;
    }
  }
  std::set<std::int64_t> experts{smallest, largest, empty};
  experts.erase(-1);
  return experts;
}

std::set<std::int64_t> telling_tokens(const RoutedRows& routed) {
  const auto tokens = static_cast<std::int64_t>(routed.token_offsets.size()) - 1;
  std::set<std::int64_t> found{0, tokens - 1};
  for (std::int64_t e : telling_experts(routed)) {
    const std::int32_t begin = routed.expert_offsets[e], end = routed.expert_offsets[e + 1];
    if (begin < end) found.insert({routed.row_tokens[begin], routed.row_tokens[end - 1]});
  }
  return found;
}

std::vector<Channel> sample_channels(const LayerConfig& config,
                                     const std::vector<std::int64_t>& experts,
                                     std::int64_t per_expert, std::uint64_t seed) {
  std::vector<Channel> channels;
  const auto add = [&](std::int64_t expert, std::int64_t ffn_dim) {
    for (std::int64_t i :
         sample(ffn_dim, per_expert, {}, seed + static_cast<std::uint64_t>(expert + 1))) {
      channels.push_back({expert, i});
    }
  };
  for (std::int64_t e : experts) add(e, config.ffn_dim);
  if (config.shared.ffn_dim > 0) add(kSharedExpert, config.shared.ffn_dim);
  return channels;
}

}  // namespace moe::truth
