// Small random changes of an input: enough to find what a few seconds can find. libFuzzer knows
// better, but is not in every toolchain.
#pragma once

#include <random>
#include <string>
#include <vector>

namespace moe::fuzz {

/// A changed copy of `corpus[which]`, at most `max_size` bytes: one to eight of flipping bits,
/// overwriting, inserting, deleting or repeating a stretch, taking a stretch of another input, and
/// putting a number or word that readers stumble over.
std::string mutated(const std::vector<std::string>& corpus, std::size_t which, std::size_t max_size,
                    std::mt19937_64& random);

}  // namespace moe::fuzz
