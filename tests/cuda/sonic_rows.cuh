// What tests of sonic's products share: rows of tokens, tiles to try, poison, comparison.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/activation.h"
#include "device_data.cuh"
#include "ragged_cases.h"

namespace moe::tests {

using Bf16 = __nv_bfloat16;

template <class Element>
void poison(DeviceArray<Element>& array) {
  MOE_CUDA_CHECK(cudaMemset(array.get(), 0xff, array.size() * sizeof(Element)));
}

template <class Element>
bool same_bits(const DeviceArray<Element>& left, const DeviceArray<Element>& right) {
  const auto a = left.to_host(), b = right.to_host();
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Element)) == 0;
}

struct Dims {
  int d, n;
};

/// Every tile of SwiGLU, and the one tile of the other activations.
template <class Tile>
struct Form {
  Activation activation;
  Tile tile;
};
template <class Tile>
std::vector<Form<Tile>> forms(std::initializer_list<Tile> tiles) {
  std::vector<Form<Tile>> all;
  for (const Tile tile : tiles) all.push_back({Activation::swiglu, tile});
  for (const Activation activation : kActivations)
    if (activation != Activation::swiglu) all.push_back({activation, *tiles.begin()});
  return all;
}

inline std::string label(Dims dims, Activation activation) {
  return "d " + std::to_string(dims.d) + " n " + std::to_string(dims.n) + " " +
         std::string(name_of(activation));
}

/// Rows of each expert as a row count says, each of one of kTokens tokens; and a Hopper GPU.
class SonicRowsTest : public ::testing::TestWithParam<Counts> {
 protected:
  static constexpr int kTokens = 200;

  void SetUp() override {
    if (!no_hopper_reason().empty()) GTEST_SKIP() << no_hopper_reason();
    offsets = offsets_of(GetParam());
    E = static_cast<int>(GetParam().rows.size());
    rows = offsets.back();
    memory_rows = rows + 130;
    for (int r = 0; r < memory_rows; ++r) {
      tokens.push_back(r < rows ? (r * 37 + 11) % kTokens
                                : 1 << 28);  // unused entries must not be followed
      scores.push_back(0.1f + 0.01f * static_cast<float>(r % 50));
    }
  }

  std::vector<int> offsets, tokens;
  std::vector<float> scores;
  int E = 0, rows = 0, memory_rows = 0;
};

}  // namespace moe::tests
