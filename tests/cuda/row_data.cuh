// Inputs and expectations of the row kernels' tests: routings with every awkward token, and
// comparison with what a plain loop in double gives.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <vector>

#include "core/random.h"
#include "cuda/kernels/fill/random_fill.h"
#include "cuda/runtime/element.h"
#include "device_data.cuh"
#include "gpu.h"

namespace moe::tests {

template <class Element>
inline constexpr DType kDType = cuda::kDTypeOf<Element>;

/// Norm-relative error that one rounding of the result to Element explains.
template <class Element>
inline constexpr double kTolerance = 2e-6;
template <>
inline constexpr double kTolerance<__nv_bfloat16> = 2.5e-3;
template <>
inline constexpr double kTolerance<__half> = 2.5e-3 / 8;

inline double as_double(float value) {
  return value;
}
inline double as_double(__nv_bfloat16 value) {
  return __bfloat162float(value);
}
inline double as_double(__half value) {
  return __half2float(value);
}

/// Rows by expert, then token; and the rows of every token.
struct HostRouting {
  std::vector<int> expert_offsets, row_tokens, token_offsets, token_rows;
  int rows() const { return static_cast<int>(row_tokens.size()); }
};

/// From the tokens of every expert.
inline HostRouting routing_of(const std::vector<std::vector<int>>& tokens_of, int tokens) {
  HostRouting routing;
  std::vector<std::vector<int>> rows_of(tokens);
  routing.expert_offsets = {0};
  for (const auto& each : tokens_of) {
    for (int t : each) {
      rows_of[t].push_back(routing.rows());
      routing.row_tokens.push_back(t);
    }
    routing.expert_offsets.push_back(routing.rows());
  }
  routing.token_offsets = {0};
  for (const auto& each : rows_of) {
    routing.token_rows.insert(routing.token_rows.end(), each.begin(), each.end());
    routing.token_offsets.push_back(static_cast<int>(routing.token_rows.size()));
  }
  return routing;
}

/// Every token has top_k experts; `ragged`: any number from none to twice that, the last token
/// none.
inline HostRouting make_routing(int tokens, int experts, int top_k, bool ragged) {
  std::vector<std::vector<int>> tokens_of(experts);
  for (int t = 0; t < tokens; ++t) {
    int count = top_k;
    if (ragged) {
      count = static_cast<int>(random_below(7, RandomStream::tests, t, 2 * top_k + 1));
      if (t == tokens - 1) count = 0;
    }
    const int first = static_cast<int>(random_below(8, RandomStream::tests, t, experts));
    for (int k = 0; k < std::min(count, experts); ++k)
      tokens_of[(first + k) % experts].push_back(t);
  }
  return routing_of(tokens_of, tokens);
}

/// `used` random elements and `unused` NaNs behind them.
template <class Element>
class PoisonedArray {
 public:
  PoisonedArray(std::size_t used, std::size_t unused, std::uint64_t seed, float deviation = 1.0f)
      : array_(used + unused), used_(used) {
    MOE_CUDA_CHECK(cudaMemset(array_.get(), 0xff, array_.size() * sizeof(Element)));
    cuda::random_fill({array_.get(), kDType<Element>, {static_cast<std::int64_t>(used)}}, seed,
                      RandomStream::tests, deviation, nullptr);
  }
  /// All NaN: an output.
  explicit PoisonedArray(std::size_t size) : PoisonedArray(0, size, 0) {}

  Element* get() const { return array_.get(); }
  std::vector<Element> to_host() const { return array_.to_host(); }

 private:
  DeviceArray<Element> array_;
  std::size_t used_;
};

/// One row of a large device array.
template <class Element>
std::vector<Element> row_to_host(const Element* data, std::int64_t row, std::int64_t columns) {
  std::vector<Element> values(columns);
  MOE_CUDA_CHECK(cudaMemcpy(values.data(), data + row * columns, columns * sizeof(Element),
                            cudaMemcpyDeviceToHost));
  return values;
}

/// Compares in the norm; NaN never passes. Where few elements make the norm, one of them may be off
/// by all that a rounding can be.
template <class Element>
void expect_close(std::span<const Element> got, std::span<const double> want,
                  double tolerance = kTolerance<Element>) {
  ASSERT_GE(got.size(), want.size());
  constexpr double kMost = kDType<Element> == DType::f16 ? 0x1p-11 : 0x1p-8;
  if (sizeof(Element) == 2 && want.size() < 100) tolerance = std::max(tolerance, kMost);
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    error += std::pow(as_double(got[i]) - want[i], 2);
    norm += want[i] * want[i];
  }
  EXPECT_TRUE(std::sqrt(error) <= tolerance * std::sqrt(norm))
      << "error " << std::sqrt(error / std::max(norm, 1e-300)) << " over " << want.size()
      << " elements";
}

template <class Element>
void expect_unwritten(std::span<const Element> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_TRUE(std::isnan(as_double(values[i]))) << "written at " << i << " behind the last row";
  }
}

template <class Element>
bool same_bits(const std::vector<Element>& a, const std::vector<Element>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Element)) == 0;
}

}  // namespace moe::tests
