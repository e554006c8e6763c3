// The router's product against double: odd numbers of experts, row tails, with and without a bias.
#include <gtest/gtest.h>

#include <cmath>

#include "cuda/kernels/gemm/router_logits.h"
#include "device_data.cuh"
#include "ragged_cases.h"

namespace moe::cuda {
namespace {

using Bf16 = __nv_bfloat16;
using tests::DeviceArray;

struct Shape {
  int tokens, num_experts, d;
};

void expect_right(const Shape& shape, bool has_bias) {
  const auto [T, E, d] = shape;
  SCOPED_TRACE("T " + std::to_string(T) + " E " + std::to_string(E) + " d " + std::to_string(d) +
               (has_bias ? ", bias" : ""));
  constexpr std::size_t kBehind = 300;
  DeviceArray<Bf16> x(std::size_t(T) * d), w(std::size_t(E) * d), b(E);
  DeviceArray<float> logits(std::size_t(T) * E + kBehind);
  tests::fill_random(x, 1);
  tests::fill_random(w, 2, 0.1f);
  tests::fill_random(b, 3);
  MOE_CUDA_CHECK(cudaMemset(logits.get(), 0xff, logits.size() * sizeof(float)));
  router_logits({x.get(), w.get(), has_bias ? b.get() : nullptr, logits.get(), T, E, d},
                tests::multiprocessors(), nullptr);
  MOE_CUDA_CHECK(cudaDeviceSynchronize());
  const auto xv = x.to_host(), wv = w.to_host(), bv = b.to_host();
  const auto got = logits.to_host();
  double error = 0, norm = 0;
  for (int t = 0; t < T; ++t) {
    for (int e = 0; e < E; ++e) {
      double want = has_bias ? __bfloat162float(bv[e]) : 0;
      for (int i = 0; i < d; ++i) {
        want += double{__bfloat162float(xv[std::size_t(t) * d + i])} *
                __bfloat162float(wv[std::size_t(e) * d + i]);
      }
      error += std::pow(got[std::size_t(t) * E + e] - want, 2);
      norm += want * want;
    }
  }
  EXPECT_TRUE(std::sqrt(error) <= 1e-5 * std::sqrt(norm)) << std::sqrt(error / norm);
  for (std::size_t i = std::size_t(T) * E; i < got.size(); ++i) ASSERT_TRUE(std::isnan(got[i]));
}

TEST(RouterLogits, AgreeWithDouble) {
  if (!tests::no_hopper_reason().empty()) GTEST_SKIP() << tests::no_hopper_reason();
  for (const Shape& shape : {Shape{1, 8, 8}, Shape{129, 5, 72}, Shape{300, 64, 320},
                             Shape{1000, 72, 128}, Shape{513, 128, 256}, Shape{700, 200, 64},
                             Shape{260, 512, 136}, Shape{20000, 128, 64}, Shape{300, 256, 7168}}) {
    for (const bool has_bias : {false, true}) expect_right(shape, has_bias);
  }
}

}  // namespace
}  // namespace moe::cuda
