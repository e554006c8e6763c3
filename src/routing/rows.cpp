// Counting sorts between the two orders of pairs: by token, as chosen, and by expert, as computed.
// The offsets serve as write cursors while rows are placed, so nothing is allocated.
#include "routing/rows.h"

#include <algorithm>

namespace moe::routing {
namespace {

/// Counts at [1 .. num_keys] become offsets of first rows at [0 .. num_keys - 1].
void counts_to_cursors(std::int32_t* offsets, std::int64_t num_keys) {
  offsets[0] = 0;
  for (std::int64_t key = 0; key < num_keys; ++key) offsets[key + 1] += offsets[key];
}

/// A cursor that has passed all rows of its key stands where the next key begins.
void cursors_to_offsets(std::int32_t* offsets, std::int64_t num_keys) {
  std::copy_backward(offsets, offsets + num_keys, offsets + num_keys + 1);
  offsets[0] = 0;
}

}  // namespace

void build_rows(const LayerConfig& config, const std::int32_t* chosen_experts,
                const float* chosen_scores, std::int64_t tokens, const Rows& rows) {
  const std::int64_t num_experts = config.num_experts, top_k = config.top_k;
  std::int32_t* offsets = rows.expert_offsets;
  std::fill(offsets, offsets + num_experts + 1, 0);
  for (std::int64_t pair = 0; pair < tokens * top_k; ++pair) ++offsets[chosen_experts[pair] + 1];
  counts_to_cursors(offsets, num_experts);
  for (std::int64_t t = 0; t < tokens; ++t) {
    for (std::int64_t pair = t * top_k; pair < (t + 1) * top_k; ++pair) {
      const std::int32_t row = offsets[chosen_experts[pair]]++;
      rows.row_tokens[row] = static_cast<std::int32_t>(t);
      rows.row_scores[row] = chosen_scores[pair];
    }
  }
  cursors_to_offsets(offsets, num_experts);
}

void build_token_rows(const std::int32_t* expert_offsets, const std::int32_t* row_tokens,
                      std::int64_t num_experts, std::int64_t tokens, std::int32_t* token_offsets,
                      std::int32_t* token_rows) {
  const std::int32_t num_rows = expert_offsets[num_experts];
  std::fill(token_offsets, token_offsets + tokens + 1, 0);
  for (std::int32_t row = 0; row < num_rows; ++row) ++token_offsets[row_tokens[row] + 1];
  counts_to_cursors(token_offsets, tokens);
  for (std::int32_t row = 0; row < num_rows; ++row) {
    token_rows[token_offsets[row_tokens[row]]++] = row;
  }
  cursors_to_offsets(token_offsets, tokens);
}

}  // namespace moe::routing
