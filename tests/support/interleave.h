// Weights in the layout of gpt-oss from weights in that of other checkpoints.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace moe::tests {

/// Of every expert's rows gate 0 .. n-1, up 0 .. n-1, in turns: gate 0, up 0, gate 1, ...
/// `w`: [E, 2n, row_size] as one list.
template <class Element>
std::vector<Element> interleaved(std::span<const Element> w, std::int64_t n,
                                 std::int64_t row_size) {
  std::vector<Element> in_turns;
  const auto expert_size = static_cast<std::size_t>(2 * n * row_size);
  for (std::size_t expert = 0; expert < w.size(); expert += expert_size) {
    for (std::int64_t i = 0; i < n; ++i) {
      for (const std::int64_t row : {i, n + i}) {
        const auto from = w.begin() + static_cast<std::ptrdiff_t>(expert) + row * row_size;
        in_turns.insert(in_turns.end(), from, from + row_size);
      }
    }
  }
  return in_turns;
}

}  // namespace moe::tests
