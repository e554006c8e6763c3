// Counter-based random numbers: value i of a stream depends on (seed, stream, i) alone, so tensors
// come out the same on any number of threads and on any device. Generator: Philox4x32-10 (Salmon et
// al., SC 2011).
#pragma once

#include <array>
#include <cstdint>

#include "core/exact_math.h"

namespace moe {

/// Which tensor or decision a number is for; part of the generator's key.
enum class RandomStream : std::uint32_t {
  x = 1,
  d_out,
  w_router,
  w_up,
  w_down,
  b_select,
  w_shared_up,
  w_shared_down,
  w_shared_gate,
  traffic,
  expert_order,
  verification,
  tests,
  ep_logits,
  rounding,
  b_up,
  b_down,
  b_router,
};

struct PhiloxBlock {
  std::uint32_t word[4];
};

MOE_HOST_DEVICE inline PhiloxBlock philox(std::uint64_t seed, RandomStream stream,
                                          std::uint64_t index) {
  std::uint32_t key0 = static_cast<std::uint32_t>(seed),
                key1 = static_cast<std::uint32_t>(seed >> 32);
  PhiloxBlock c{{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                 static_cast<std::uint32_t>(stream), 0u}};
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = 0xD2511F53ull * c.word[0];
    const std::uint64_t b = 0xCD9E8D57ull * c.word[2];
    c = {{static_cast<std::uint32_t>(b >> 32) ^ c.word[1] ^ key0, static_cast<std::uint32_t>(b),
          static_cast<std::uint32_t>(a >> 32) ^ c.word[3] ^ key1, static_cast<std::uint32_t>(a)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return c;
}

/// Uniform in [0, 1), a multiple of 2^-24.
MOE_HOST_DEVICE inline float random_uniform(std::uint64_t seed, RandomStream stream,
                                            std::uint64_t index) {
  return static_cast<float>(philox(seed, stream, index).word[0] >> 8) * (1.0f / 16777216.0f);
}

/// Uniform integer in [0, bound); bound below 2^32. The bias of at most bound / 2^32 is accepted.
MOE_HOST_DEVICE inline std::uint32_t random_below(std::uint64_t seed, RandomStream stream,
                                                  std::uint64_t index, std::uint32_t bound) {
  const std::uint64_t word = philox(seed, stream, index).word[0];
  return static_cast<std::uint32_t>((word * bound) >> 32);
}

/// Mean 0, deviation 1, within +-4.9: the centred sum of eight 16-bit uniforms (Irwin-Hall). Chosen
/// over Box-Muller because integer sums give the same bits everywhere.
MOE_HOST_DEVICE inline float random_normal(std::uint64_t seed, RandomStream stream,
                                           std::uint64_t index) {
  const PhiloxBlock block = philox(seed, stream, index);
  std::int32_t sum = 0;
  for (int i = 0; i < 4; ++i) {
    sum += static_cast<std::int32_t>(block.word[i] & 0xffffu) +
           static_cast<std::int32_t>(block.word[i] >> 16);
  }
  constexpr float kDeviation = 53509.8f;  // sqrt(8 * (2^32 - 1) / 12)
  return static_cast<float>(sum - 4 * 65535) * (1.0f / kDeviation);
}

}  // namespace moe
