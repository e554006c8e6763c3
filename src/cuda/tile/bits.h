// Words as sets of 32, host and device.
#pragma once

#include <bit>
#include <cstdint>

#include "cuda/tile/team.h"

namespace moe::cuda {

MOE_TEAM int population(std::uint32_t bits) {
#if defined(__CUDACC__)
  return __popc(bits);
#else
  return std::popcount(bits);
#endif
}

/// Calls use(index) for every bit that is set, from the lowest on.
template <class Use>
MOE_TEAM void each_bit(std::uint32_t bits, Use use) {
  for (; bits != 0; bits &= bits - 1) use(population((bits & (0u - bits)) - 1));
}

}  // namespace moe::cuda
