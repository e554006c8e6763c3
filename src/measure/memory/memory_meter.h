// How much of its memory a variant really touches: one pass in regions filled with a pattern, then
// a search for the highest byte that is no pattern any more. Nothing of the plan enters, so that it
// can confirm or refute the plan.
#pragma once

#include <cstdint>

#include "measure/problem/problem.h"
#include "measure/problem/variant_choice.h"
#include "record/memory_run.h"

namespace moe::measure {

/// Every byte of memory that is being metered, until somebody writes it.
inline constexpr unsigned char kUntouched = 0xa5;

/// Bytes from the start of `memory` to the end of its last word (8 bytes) that is not all
/// kUntouched.
std::int64_t high_water_bytes(Device& device, Memory memory);

class MemoryMeter {
 public:
  /// Makes seeded tensors for `tokens` tokens, shared by all readings.
  MemoryMeter(Device& device, const LayerConfig& layer, std::int64_t tokens,
              const routing::Traffic& traffic, std::uint64_t seed);

  /// One forward and, in training, one backward of `plan`, which may be for fewer tokens. Throws
  /// Error{check_failed} when the pass writes past the end of a region.
  record::MemoryReading read(const VariantChoice& choice, const Plan& plan);

  /// Forward and backward once more on fresh memory, unmetered and unchecked: what a profiler that
  /// waits for cudaProfilerStart() sees alone, with a range for each phase and step. Contents of
  /// the memory are undefined.
  void run_bare(const VariantChoice& choice, const Plan& plan);

 private:
  Device& device_;
  LayerConfig layer_;
  Problem problem_;
};

/// Resident bytes of this process.
std::int64_t resident_bytes();

}  // namespace moe::measure
