// Invariants of rows, in the order in which it is safe to look at them.
#include "truth/invariants.h"

namespace moe::truth {
namespace {

std::string broken_offsets(const std::vector<std::int32_t>& offsets, std::size_t num_rows,
                           std::int64_t num_experts) {
  if (static_cast<std::int64_t>(offsets.size()) != num_experts + 1) {
    return "expert_offsets has " + std::to_string(offsets.size()) +
           " elements, not E + 1 = " + std::to_string(num_experts + 1);
  }
  if (offsets[0] != 0)
    return "expert_offsets begins with " + std::to_string(offsets[0]) + ", not 0";
  for (std::int64_t e = 0; e < num_experts; ++e) {
    if (offsets[e + 1] < offsets[e])
      return "expert_offsets falls after expert " + std::to_string(e);
  }
  if (static_cast<std::size_t>(offsets.back()) > num_rows) {
    return "expert_offsets ends with " + std::to_string(offsets.back()) + ", but there are " +
           std::to_string(num_rows) + " rows";
  }
  return "";
}

}  // namespace

std::string broken_invariant(const std::vector<std::int32_t>& expert_offsets,
                             const std::vector<std::int32_t>& row_tokens, std::int64_t num_experts,
                             std::int64_t tokens) {
  const std::string broken = broken_offsets(expert_offsets, row_tokens.size(), num_experts);
  if (!broken.empty()) return broken;
  for (std::int64_t e = 0; e < num_experts; ++e) {
    for (std::int32_t row = expert_offsets[e]; row < expert_offsets[e + 1]; ++row) {
      const std::int32_t token = row_tokens[row];
      const std::string where =
          " at row " + std::to_string(row) + " of expert " + std::to_string(e);
      if (token < 0 || token >= tokens) return "there is no token " + std::to_string(token) + where;
      if (row > expert_offsets[e] && token <= row_tokens[row - 1])
        return "tokens do not ascend" + where;
    }
  }
  return "";
}

}  // namespace moe::truth
