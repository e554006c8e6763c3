// Biases and their gradients, and the gate of a shared expert, against plain loops in double.
#include <gtest/gtest.h>

#include <cmath>

#include "cuda/kernels/bias/bias_gradient.h"
#include "cuda/kernels/bias/fill_bias.h"
#include "cuda/kernels/shared_gate/shared_gate.h"
#include "cuda/runtime/element.h"
#include "device_data.cuh"
#include "ragged_cases.h"

namespace moe::cuda {
namespace {

using Bf16 = __nv_bfloat16;
using tests::DeviceArray;

template <class Element>
std::vector<double> as_double(const DeviceArray<Element>& array) {
  std::vector<double> values;
  for (Element value : array.to_host()) values.push_back(static_cast<float>(value));
  return values;
}

/// Norm-relative error that rounding to Element explains.
template <class Element>
constexpr double kTolerance = kDTypeOf<Element> == DType::f16 ? 4e-3 / 8 : 4e-3;

template <class Element>
void poison(DeviceArray<Element>& array) {
  MOE_CUDA_CHECK(cudaMemset(array.get(), 0xff, array.size() * sizeof(Element)));
}

double error_of(const std::vector<double>& got, const std::vector<double>& want) {
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    error += std::pow(got[i] - want[i], 2);
    norm += want[i] * want[i];
  }
  return norm == 0 ? std::sqrt(error) : std::sqrt(error / norm);
}

class BiasGradientTest : public ::testing::TestWithParam<tests::Counts> {
 protected:
  static constexpr int kTokens = 200;

  void SetUp() override {
    if (!tests::no_gpu_reason().empty()) GTEST_SKIP() << tests::no_gpu_reason();
  }

  /// With everything: gathered rows, scales, dots with the bias; or with nothing of it.
  template <class Element>
  void expect_right(int columns, bool gathered, bool adds, bool interleaved = false) {
    SCOPED_TRACE(std::to_string(columns) + " columns" + (gathered ? ", gathered" : "") +
                 (adds ? ", added" : "") + (interleaved ? ", interleaved" : ""));
    const std::vector<int> offsets = tests::offsets_of(GetParam());
    const int E = static_cast<int>(GetParam().rows.size()), rows = offsets.back(),
              stride = rows + 7;
    std::vector<int> tokens(stride, 1 << 28);
    std::vector<float> scales(stride);
    for (int r = 0; r < rows; ++r) {
      tokens[r] = r * 37 % kTokens;
      scales[r] = 0.1f + 0.01f * static_cast<float>(r % 50);
    }
    const int parts = bias_dot_parts(columns);
    DeviceArray<Element> source(std::size_t(gathered ? kTokens : stride) * columns),
        bias(std::size_t(E) * columns), d_bias(std::size_t(E) * columns);
    DeviceArray<int> device_offsets(offsets), device_tokens(tokens);
    DeviceArray<float> device_scales(scales), dots(std::size_t(parts) * stride);
    tests::fill_random(source, 1);
    tests::fill_random(bias, 2);
    tests::fill_random(d_bias, 3);
    if (!adds) poison(d_bias);
    poison(dots);
    const auto before = as_double(d_bias);
    BiasGradientProblem problem{.rows = source.get(),
                                .expert_offsets = device_offsets.get(),
                                .num_rows = stride,
                                .num_experts = E,
                                .columns = columns,
                                .d_bias = d_bias.get(),
                                .adds = adds,
                                .interleaved = interleaved,
                                .dtype = kDTypeOf<Element>};
    if (gathered) {
      problem.row_tokens = device_tokens.get();
      problem.row_scales = device_scales.get();
      problem.bias = bias.get();
      problem.dots = dots.get();
    }
    bias_gradient(problem, nullptr);
    MOE_CUDA_CHECK(cudaDeviceSynchronize());
    const auto values = as_double(source), biases = as_double(bias);
    std::vector<double> want(d_bias.size()), want_dots(rows), got_dots(rows);
    if (adds) want = before;
    for (int e = 0; e < E; ++e) {
      for (int r = offsets[e]; r < offsets[e + 1]; ++r) {
        const double* row = &values[std::size_t(gathered ? tokens[r] : r) * columns];
        for (int c = 0; c < columns; ++c) {
          const int place = interleaved ? 2 * (c % (columns / 2)) + c / (columns / 2) : c;
          want[std::size_t(e) * columns + place] += (gathered ? scales[r] : 1) * row[c];
          want_dots[r] += row[c] * biases[std::size_t(e) * columns + c];
        }
      }
    }
    EXPECT_LE(error_of(as_double(d_bias), want), kTolerance<Element>);
    if (!gathered) return;
    const auto by_part = dots.to_host();
    for (int part = 0; part < parts; ++part) {
      for (int r = 0; r < rows; ++r) got_dots[r] += by_part[std::size_t(part) * stride + r];
      for (int r = rows; r < stride; ++r)
        ASSERT_TRUE(std::isnan(by_part[std::size_t(part) * stride + r])) << "written behind rows";
    }
    EXPECT_LE(error_of(got_dots, want_dots), 1e-5);
  }
};

TEST_P(BiasGradientTest, OfEveryExpert) {
  for (const int columns : {8, 264, 1032}) {
    for (const bool adds : {false, true}) {
      expect_right<Bf16>(columns, false, adds);
      expect_right<Bf16>(columns, true, adds);
      expect_right<Bf16>(columns, false, adds, true);
    }
  }
  expect_right<Bf16>(5, false, false);  // columns of no whole vectors
}

TEST_P(BiasGradientTest, OfEveryExpertInFloat16) {
  expect_right<__half>(264, true, true);
  expect_right<__half>(264, false, false, true);
  expect_right<__half>(5, false, true);
}

INSTANTIATE_TEST_SUITE_P(Rows, BiasGradientTest, ::testing::ValuesIn(tests::row_counts()),
                         [](const auto& info) { return info.param.name; });

template <class Element>
void expect_chunks_right() {
  for (const int rows : {0, 1, 129, 20000}) {
    for (const int columns : {5, 128, 520}) {
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(columns));
      DeviceArray<Element> source(std::size_t(rows + 1) * columns), d_bias(columns);
      DeviceArray<float> chunk_sums(std::size_t{kBiasChunks} * columns);
      tests::fill_random(source, 1);
      poison(d_bias);
      poison(chunk_sums);
      bias_gradient({.rows = source.get(),
                     .num_rows = rows,
                     .num_experts = 1,
                     .columns = columns,
                     .d_bias = d_bias.get(),
                     .adds = false,
                     .chunk_sums = chunk_sums.get(),
                     .dtype = kDTypeOf<Element>},
                    nullptr);
      MOE_CUDA_CHECK(cudaDeviceSynchronize());
      const auto values = as_double(source);
      std::vector<double> want(columns);
      for (std::size_t i = 0; i < std::size_t(rows) * columns; ++i) want[i % columns] += values[i];
      EXPECT_LE(error_of(as_double(d_bias), want), kTolerance<Element>);
    }
  }
}

TEST(BiasGradient, OfRowsInChunks) {
  if (!tests::no_gpu_reason().empty()) GTEST_SKIP() << tests::no_gpu_reason();
  expect_chunks_right<Bf16>();
  expect_chunks_right<__half>();
}

template <class Element>
void expect_filled() {
  const int rows = 37, columns = 21;
  DeviceArray<Element> bias(columns), typed(std::size_t{rows} * columns);
  DeviceArray<float> out(std::size_t{rows} * columns);
  tests::fill_random(bias, 1);
  poison(out);
  poison(typed);
  constexpr DType kType = kDTypeOf<Element>;
  fill_bias({bias.get(), out.get(), DType::f32, rows, columns, false, kType}, nullptr);
  fill_bias({bias.get(), out.get(), DType::f32, rows, columns, true, kType}, nullptr);
  fill_bias({bias.get(), typed.get(), kType, rows, columns, false, kType}, nullptr);
  MOE_CUDA_CHECK(cudaDeviceSynchronize());
  const auto twice = out.to_host();
  const auto once = as_double(typed), biases = as_double(bias);
  for (std::size_t i = 0; i < twice.size(); ++i) {
    ASSERT_EQ(twice[i], 2 * biases[i % columns]) << i;
    ASSERT_EQ(once[i], biases[i % columns]) << i;
  }
}

TEST(FillBias, StartsOrAdds) {
  if (!tests::no_gpu_reason().empty()) GTEST_SKIP() << tests::no_gpu_reason();
  expect_filled<Bf16>();
  expect_filled<__half>();
}

template <class Element>
void expect_gated() {
  const int tokens = 301, n = 72;
  std::vector<float> logits, d_gates;
  for (int t = 0; t < tokens; ++t) {
    logits.push_back(0.05f * static_cast<float>(t - 150));
    d_gates.push_back(0.5f - 0.01f * static_cast<float>(t % 90));
  }
  DeviceArray<float> gates(logits), d_gate(d_gates);
  DeviceArray<Element> a(std::size_t{tokens} * n), d_logits(tokens);
  tests::fill_random(a, 1);
  poison(d_logits);
  const auto before = as_double(a);
  apply_shared_gate(gates.get(), a.get(), kDTypeOf<Element>, tokens, n, nullptr);
  shared_gate_backward(gates.get(), d_gate.get(), d_logits.get(), kDTypeOf<Element>, tokens,
                       nullptr);
  MOE_CUDA_CHECK(cudaDeviceSynchronize());
  const auto got_gates = gates.to_host();
  std::vector<double> want_a, want_d;
  for (int t = 0; t < tokens; ++t) {
    const double gate = 1 / (1 + std::exp(-double{logits[t]}));
    EXPECT_NEAR(got_gates[t], gate, 1e-5);
    want_d.push_back(d_gates[t] * gate * (1 - gate));
    for (int j = 0; j < n; ++j) want_a.push_back(gate * before[std::size_t(t) * n + j]);
  }
  EXPECT_LE(error_of(as_double(a), want_a), kTolerance<Element>);
  EXPECT_LE(error_of(as_double(d_logits), want_d), kTolerance<Element>);
  const auto scaled = as_double(a);
  scale_by_gates(gates.get(), a.get(), kDTypeOf<Element>, tokens, n,
                 nullptr);  // gates that are open already
  MOE_CUDA_CHECK(cudaDeviceSynchronize());
  EXPECT_EQ(gates.to_host(), got_gates);
  for (std::size_t i = 0; i < want_a.size(); ++i) want_a[i] = got_gates[i / n] * scaled[i];
  EXPECT_LE(error_of(as_double(a), want_a), kTolerance<Element>);
}

TEST(SharedGate, ScalesRowsAndHasASlope) {
  if (!tests::no_gpu_reason().empty()) GTEST_SKIP() << tests::no_gpu_reason();
  expect_gated<Bf16>();
  expect_gated<__half>();
}

}  // namespace
}  // namespace moe::cuda
