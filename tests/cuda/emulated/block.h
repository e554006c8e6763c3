// A thread block on the host: every thread is a fiber, and a fiber runs until it has to wait for
// others of its warp or its block; in every second block the last thread comes first. Slow,
// deterministic, and strict: threads that wait for each other in vain are an error here, where a
// GPU hangs. It tells whether a kernel's logic is right. Races, memory and speed are the card's to
// tell.
#pragma once

#include <vector_types.h>

#include <cstdint>
#include <cstring>
#include <functional>

namespace moe::emulated {

/// Runs `body` once for each of `threads` threads of block `index` of a grid.
void run_block(dim3 grid, uint3 index, unsigned threads, const std::function<void()>& body);

/// Waits for all threads of the block that have not returned.
void block_barrier();

/// Each lane of a team gives eight bytes and sees those of the others, by lane of the warp. Teams
/// are whole warps, halves, quarters ..., `mask` as for __shfl_sync.
const std::uint64_t* exchange(unsigned mask, std::uint64_t own);

template <class Value>
std::uint64_t to_word(Value value) {
  static_assert(sizeof(Value) <= 8);
  std::uint64_t word = 0;
  std::memcpy(&word, &value, sizeof(Value));
  return word;
}

template <class Value>
Value from_word(std::uint64_t word) {
  Value value;
  std::memcpy(&value, &word, sizeof(Value));
  return value;
}

}  // namespace moe::emulated

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
