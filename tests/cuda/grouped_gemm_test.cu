// The grouped GEMM against a plain product in double, for row counts that break tilings.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>

#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/runtime/element.h"
#include "device_data.cuh"
#include "ragged_cases.h"

namespace moe::cuda {
namespace {

using Bf16 = __nv_bfloat16;
using tests::Counts;
using tests::DeviceArray;

template <class Element>
std::vector<double> as_double(const DeviceArray<Element>& array) {
  std::vector<double> values;
  for (Element value : array.to_host()) values.push_back(static_cast<float>(value));
  return values;
}

struct Dims {
  int m, n, k;
};

class GroupedGemmTest : public ::testing::TestWithParam<Counts> {
 protected:
  void SetUp() override {
    if (!tests::no_hopper_reason().empty()) GTEST_SKIP() << tests::no_hopper_reason();
  }

  struct Product {
    bool by_rows;
    WeightLayout layout;
    Dims dims;
    bool has_bias = false;
  };

  /// Every result right, and nothing written behind the last row, whatever the number of CTAs: with
  /// two of them a CTA goes from tile to tile, and stores what it held of the one before.
  template <class Element = Bf16>
  void expect_right(const Product& product, GroupedTile tile,
                    const std::vector<int>& multiprocessors = {2, tests::multiprocessors()}) {
    const auto& [by_rows, layout, dims, has_bias] = product;
    const std::vector<int> offset = tests::offsets_of(GetParam());
    const int E = static_cast<int>(GetParam().rows.size()), rows = offset.back();
    const int memory_rows = std::max(rows, 1) + 130;
    const std::size_t a_cols = by_rows ? dims.k : dims.m;
    DeviceArray<Element> a(memory_rows * a_cols), bias(std::size_t(E) * dims.n);
    DeviceArray<Element> b(by_rows ? std::size_t(E) * dims.n * dims.k
                                   : std::size_t(memory_rows) * dims.n);
    const std::size_t c_rows = by_rows ? memory_rows : std::size_t(E) * dims.m;
    DeviceArray<Element> c(c_rows * dims.n);
    DeviceArray<int> device_offsets(offset);
    DeviceArray<std::byte> scratch(stream_scratch_bytes(tests::multiprocessors()));
    tests::fill_random(a, 1);
    tests::fill_random(b, 2);
    tests::fill_random(bias, 3, 10.0f);
    poison_unused_rows(a, rows, a_cols);
    if (!by_rows) poison_unused_rows(b, rows, dims.n);
    MOE_CUDA_CHECK(cudaMemset(scratch.get(), 0xff, scratch.size()));
    const std::vector<double> want =
        reference(product, offset, as_double(a), as_double(b), as_double(bias));
    for (const int count : multiprocessors) {
      SCOPED_TRACE(std::to_string(count) + " CTAs");
      MOE_CUDA_CHECK(cudaMemset(c.get(), 0xff, c.size() * sizeof(Element)));
      if (by_rows) {
        GroupedRowsProblem problem{a.get(),     b.get(), c.get(), device_offsets.get(),
                                   memory_rows, E,       dims.n,  dims.k};
        problem.stream_scratch = scratch.get();
        problem.dtype = kDTypeOf<Element>;
        if (has_bias) problem.bias = bias.get();
        multiply_rows(problem, layout, tile, count, nullptr);
      } else {
        WeightGradientProblem problem{a.get(), b.get(), c.get(), device_offsets.get(), nullptr, E,
                                      dims.m,  dims.n,  false};
        problem.dtype = kDTypeOf<Element>;
        weight_gradient(problem, tile, count, nullptr);
      }
      MOE_CUDA_CHECK(cudaDeviceSynchronize());
      expect_near(as_double(c), want, kDTypeOf<Element> == DType::f16 ? 4e-3 / 8 : 4e-3);
    }
  }

  static std::vector<double> reference(const Product& product, const std::vector<int>& offset,
                                       const std::vector<double>& a, const std::vector<double>& b,
                                       const std::vector<double>& bias) {
    const auto& [by_rows, layout, dims, has_bias] = product;
    const int E = static_cast<int>(offset.size()) - 1;
    std::vector<double> want(std::size_t(by_rows ? offset.back() : E * dims.m) * dims.n);
    for (int e = 0; e < E; ++e) {
      for (int r = offset[e]; r < offset[e + 1]; ++r) {
        for (int i = 0; i < (by_rows ? dims.k : dims.m); ++i) {
          const double left = a[std::size_t(r) * (by_rows ? dims.k : dims.m) + i];
          double* out = &want[(by_rows ? std::size_t(r) : std::size_t(e) * dims.m + i) * dims.n];
          for (int j = 0; j < dims.n; ++j) {
            const std::size_t at = !by_rows ? std::size_t(r) * dims.n + j
                                   : layout == WeightLayout::n_by_k
                                       ? (std::size_t(e) * dims.n + j) * dims.k + i
                                       : (std::size_t(e) * dims.k + i) * dims.n + j;
            out[j] += left * b[at];
          }
        }
        for (int j = 0; has_bias && j < dims.n; ++j)
          want[std::size_t(r) * dims.n + j] += bias[std::size_t(e) * dims.n + j];
      }
    }
    return want;
  }

  static void expect_near(const std::vector<double>& got, const std::vector<double>& want,
                          double tolerance) {
    double error = 0, norm = 0;
    for (std::size_t i = 0; i < want.size(); ++i) {
      error += (got[i] - want[i]) * (got[i] - want[i]);
      norm += want[i] * want[i];
    }
    EXPECT_TRUE(std::sqrt(error) <= tolerance * std::sqrt(norm))
        << "error " << std::sqrt(error / std::max(norm, 1e-30));
    for (std::size_t i = want.size(); i < got.size(); ++i)
      ASSERT_TRUE(std::isnan(got[i])) << "written at " << i;
  }

  template <class Element>
  static void poison_unused_rows(DeviceArray<Element>& array, int rows, std::size_t columns) {
    MOE_CUDA_CHECK(cudaMemset(array.get() + rows * columns, 0xff,
                              (array.size() - rows * columns) * sizeof(Element)));
  }

  template <class Element = Bf16>
  void expect_all_forms_right(GroupedTile tile) {
    for (const Dims dims :
         {Dims{256, 512, 128}, Dims{136, 264, 72}, Dims{64, 64, 64}, Dims{128, 776, 192},
          Dims{328, 264, 72}}) {  // the last: a gradient longer than wide, 3 x 2 tiles
      SCOPED_TRACE(std::to_string(dims.m) + " x " + std::to_string(dims.n) + " x " +
                   std::to_string(dims.k));
      expect_right<Element>({true, WeightLayout::n_by_k, dims}, tile);
      expect_right<Element>({true, WeightLayout::k_by_n, dims, true}, tile);
      expect_right<Element>({false, WeightLayout::n_by_k, dims}, tile);
    }
  }
};

TEST_P(GroupedGemmTest, Tile128x256) {
  expect_all_forms_right(GroupedTile::m128n256);
}
TEST_P(GroupedGemmTest, Tile128x256Pair) {
  expect_all_forms_right(GroupedTile::m128n256_pair);
}
TEST_P(GroupedGemmTest, Tile128x192) {
  expect_all_forms_right(GroupedTile::m128n192);
}
TEST_P(GroupedGemmTest, Tile128x128Pair) {
  expect_all_forms_right(GroupedTile::m128n128_pair);
}
TEST_P(GroupedGemmTest, Tile128x128PingPong) {
  expect_all_forms_right(GroupedTile::m128n128_ping_pong);
}

/// From fewer tiles than clusters, which then share a tile, to many rounds of tiles; odd numbers of
/// column tiles leave one CTA of a pair without a tile.
TEST_P(GroupedGemmTest, Tile128x256Streamed) {
  const std::vector<int> multiprocessors = {4, 22, tests::multiprocessors(),
                                            tests::multiprocessors()};
  for (const Dims dims :
       {Dims{0, 512, 128}, Dims{0, 264, 72}, Dims{0, 64, 1088}, Dims{0, 520, 192}}) {
    SCOPED_TRACE(std::to_string(dims.n) + " x " + std::to_string(dims.k));
    expect_right({true, WeightLayout::n_by_k, dims}, GroupedTile::m128n256_streamed,
                 multiprocessors);
    expect_right({true, WeightLayout::k_by_n, dims, true}, GroupedTile::m128n256_streamed,
                 multiprocessors);
  }
}

/// Tiles that float16 lacks are taken by the nearest that it has.
TEST_P(GroupedGemmTest, Float16) {
  expect_all_forms_right<__half>(GroupedTile::m128n256_pair);
  expect_right<__half>({true, WeightLayout::n_by_k, {0, 136, 72}, true},
                       GroupedTile::m128n128_ping_pong);
}
TEST_P(GroupedGemmTest, Float16Streamed) {
  for (const Dims dims : {Dims{0, 512, 128}, Dims{0, 64, 1088}}) {
    SCOPED_TRACE(std::to_string(dims.n) + " x " + std::to_string(dims.k));
    expect_right<__half>({true, WeightLayout::n_by_k, dims}, GroupedTile::m128n256_streamed,
                         {22, tests::multiprocessors()});
    expect_right<__half>({true, WeightLayout::k_by_n, dims, true}, GroupedTile::m128n256_streamed,
                         {22, tests::multiprocessors()});
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, GroupedGemmTest, ::testing::ValuesIn(tests::row_counts()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace moe::cuda
