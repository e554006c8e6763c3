// What the tests of routing on the device share: running a kernel on host arrays, exact comparison,
// and the shapes and gates that are tried.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <vector>

#include "cuda/kernels/permute/build_rows.h"
#include "cuda/kernels/router/choose.h"
#include "device_data.cuh"
#include "gpu.h"
#include "host_routing.h"
#include "routing/routed.h"

namespace moe::tests {

class DeviceRoutingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!no_gpu_reason().empty()) GTEST_SKIP() << no_gpu_reason();
  }
};

struct RoutingShape {
  std::int64_t tokens, num_experts, top_k;
};

inline std::vector<RoutingShape> routing_shapes() {
  return {{1, 1, 1},      {70, 1, 1},     {1, 5, 2},      {33, 5, 5},     {31, 8, 1},
          {5000, 8, 2},   {64, 8, 8},     {100, 13, 3},   {257, 32, 32},  {40, 33, 32},
          {999, 40, 8},   {50, 72, 22},   {3000, 128, 8}, {129, 128, 1},  {65, 160, 6},
          {700, 256, 8},  {32, 257, 7},   {200, 384, 8},  {500, 512, 10}, {77, 512, 22},
          {64, 1000, 17}, {95, 1024, 32}, {2, 1024, 1}};
}

/// Empty bits are equal, and any NaN is as good as another.
inline bool is_same(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (a != a && b != b);
}
inline bool is_same(std::int32_t a, std::int32_t b) {
  return a == b;
}
inline bool is_same(std::uint32_t a, std::uint32_t b) {
  return a == b;
}

template <class Element>
void expect_same(const std::vector<Element>& actual, const std::vector<Element>& expected,
                 const char* what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_TRUE(is_same(actual[i], expected[i]))
        << what << "[" << i << "] is " << actual[i] << ", expected " << expected[i];
  }
}

/// Null where there is nothing.
template <class Element>
Element* pointer(const DeviceArray<Element>& array) {
  return array.size() > 0 ? array.get() : nullptr;
}

struct DeviceChoice {
  std::vector<float> logits;  // after the offsets were added
  std::vector<std::int32_t> experts;
  std::vector<float> scores;
  std::vector<float> norms;  // [T, 2]
  std::vector<std::uint32_t> chunk_masks;
};

inline DeviceChoice choose_on_device(const LayerConfig& config, const std::vector<float>& logits,
                                     const std::vector<float>& b_select = {},
                                     const std::vector<float>& logit_offsets = {}) {
  const std::int64_t tokens = std::ssize(logits) / config.num_experts;
  DeviceArray<float> device_logits(logits), bias(b_select), offsets(logit_offsets);
  DeviceArray<std::int32_t> experts(tokens * config.top_k);
  DeviceArray<float> scores(tokens * config.top_k), norms(2 * tokens);
  DeviceArray<std::uint32_t> masks(cuda::num_chunks(tokens) * config.num_experts);
  cuda::choose(config,
               {device_logits.get(), pointer(offsets), pointer(bias), experts.get(), scores.get(),
                norms.get(), masks.get(), tokens},
               nullptr);
  MOE_CUDA_CHECK(cudaDeviceSynchronize());
  return {device_logits.to_host(), experts.to_host(), scores.to_host(), norms.to_host(),
          masks.to_host()};
}

}  // namespace moe::tests
