// What chance alone does to a sum of ranks: the ground of the rank test and of its interval.
#pragma once

#include <cstddef>
#include <vector>

namespace moe::compare {

/// Up to this many samples in all, distributions are counted out; beyond it they are normal to well
/// below a percent.
inline constexpr std::size_t kLargestExact = 50;

/// Two-sided: the chance that `count` of these ranks, drawn without looking, have a sum at least as
/// far from its mean as `sum`. Ranks are doubled, so that the half ranks of ties are whole numbers.
double exact_p(const std::vector<int>& doubled_ranks, std::size_t count, int sum);

/// How many of the m*n pairs to cut off at either end so that what is left holds the true shift
/// with `confidence` (without ties); 0 = not even all of them are enough.
std::size_t pairs_to_cut(std::size_t m, std::size_t n, double confidence);

}  // namespace moe::compare
