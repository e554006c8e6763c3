// Is a routing that somebody brought one at all?
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace moe::truth {

/// Which invariant of moe/routing.h the rows break: offsets [E + 1] from 0 upwards within
/// row_tokens, tokens below T that ascend inside an expert. Empty = none.
std::string broken_invariant(const std::vector<std::int32_t>& expert_offsets,
                             const std::vector<std::int32_t>& row_tokens, std::int64_t num_experts,
                             std::int64_t tokens);

}  // namespace moe::truth
