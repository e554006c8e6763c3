// The grouped GEMM against a plain product in double, for row counts that break tilings.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>

#include "cuda/kernels/gemm/grouped_gemm.h"
#include "device_data.cuh"
#include "ragged_cases.h"

namespace moe::cuda {
namespace {

using Bf16 = __nv_bfloat16;
using tests::Counts;
using tests::DeviceArray;

std::vector<double> as_double(const DeviceArray<Bf16>& array) {
  std::vector<double> values;
  for (Bf16 value : array.to_host()) values.push_back(__bfloat162float(value));
  return values;
}

struct Dims {
  int m, n, k;
};

class GroupedGemmTest : public ::testing::TestWithParam<Counts> {
 protected:
  void SetUp() override {
    if (!tests::has_hopper()) GTEST_SKIP() << "no Hopper GPU";
  }

  /// Every result right, and nothing written behind the last row.
  void expect_right(bool by_rows, WeightLayout layout, GroupedTile tile, Dims dims,
                    int multiprocessors = tests::multiprocessors()) {
    const std::vector<int> offset = tests::offsets_of(GetParam());
    const int E = static_cast<int>(GetParam().rows.size()), rows = offset.back();
    const int memory_rows = std::max(rows, 1) + 130;
    const std::size_t a_cols = by_rows ? dims.k : dims.m;
    DeviceArray<Bf16> a(memory_rows * a_cols);
    DeviceArray<Bf16> b(by_rows ? std::size_t(E) * dims.n * dims.k
                                : std::size_t(memory_rows) * dims.n);
    const std::size_t c_rows = by_rows ? memory_rows : std::size_t(E) * dims.m;
    DeviceArray<Bf16> c(c_rows * dims.n);
    DeviceArray<int> device_offsets(offset);
    tests::fill_random(a, 1);
    tests::fill_random(b, 2);
    poison_unused_rows(a, rows, a_cols);
    if (!by_rows) poison_unused_rows(b, rows, dims.n);
    MOE_CUDA_CHECK(cudaMemset(c.get(), 0xff, c.size() * sizeof(Bf16)));
    if (by_rows) {
      DeviceArray<std::byte> scratch(stream_scratch_bytes(tests::multiprocessors()));
      MOE_CUDA_CHECK(cudaMemset(scratch.get(), 0xff, scratch.size()));
      GroupedRowsProblem problem{a.get(),     b.get(), c.get(), device_offsets.get(),
                                 memory_rows, E,       dims.n,  dims.k};
      problem.stream_scratch = scratch.get();
      multiply_rows(problem, layout, tile, multiprocessors, nullptr);
    } else {
      weight_gradient(
          {a.get(), b.get(), c.get(), device_offsets.get(), nullptr, E, dims.m, dims.n, false},
          tile, tests::multiprocessors(), nullptr);
    }
    MOE_CUDA_CHECK(cudaDeviceSynchronize());

    const auto av = as_double(a), bv = as_double(b), cv = as_double(c);
    double error = 0, norm = 0;
    const auto compare = [&](std::size_t index, double want) {
      error += (cv[index] - want) * (cv[index] - want);
      norm += want * want;
    };
    for (int e = 0; e < E; ++e) {
      if (by_rows) {
        for (int r = offset[e]; r < offset[e + 1]; ++r) {
          for (int j = 0; j < dims.n; ++j) {
            double want = 0;
            for (int i = 0; i < dims.k; ++i) {
              const std::size_t w = layout == WeightLayout::n_by_k
                                        ? (std::size_t(e) * dims.n + j) * dims.k + i
                                        : (std::size_t(e) * dims.k + i) * dims.n + j;
              want += av[std::size_t(r) * dims.k + i] * bv[w];
            }
            compare(std::size_t(r) * dims.n + j, want);
          }
        }
      } else {
        for (int i = 0; i < dims.m; ++i) {
          for (int j = 0; j < dims.n; ++j) {
            double want = 0;
            for (int r = offset[e]; r < offset[e + 1]; ++r)
              want += av[std::size_t(r) * dims.m + i] * bv[std::size_t(r) * dims.n + j];
            compare((std::size_t(e) * dims.m + i) * dims.n + j, want);
          }
        }
      }
    }
    EXPECT_TRUE(std::sqrt(error) <= 4e-3 * std::sqrt(norm))
        << "error " << std::sqrt(error / std::max(norm, 1e-30));
    if (by_rows) {
      for (std::size_t i = std::size_t(rows) * dims.n; i < cv.size(); ++i)
        ASSERT_TRUE(std::isnan(cv[i])) << "written at " << i;
    }
  }

  static void poison_unused_rows(DeviceArray<Bf16>& array, int rows, std::size_t columns) {
    MOE_CUDA_CHECK(cudaMemset(array.get() + rows * columns, 0xff,
                              (array.size() - rows * columns) * sizeof(Bf16)));
  }

  void expect_all_forms_right(GroupedTile tile) {
    for (const Dims dims :
         {Dims{256, 512, 128}, Dims{136, 264, 72}, Dims{64, 64, 64}, Dims{128, 776, 192}}) {
      SCOPED_TRACE(std::to_string(dims.m) + " x " + std::to_string(dims.n) + " x " +
                   std::to_string(dims.k));
      expect_right(true, WeightLayout::n_by_k, tile, dims);
      expect_right(true, WeightLayout::k_by_n, tile, dims);
      expect_right(false, WeightLayout::n_by_k, tile, dims);
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

/// From fewer tiles than clusters, which then share a tile, to many rounds of tiles.
TEST_P(GroupedGemmTest, Tile128x256Streamed) {
  for (const int multiprocessors : {2, 6, 22, tests::multiprocessors()}) {
    for (const Dims dims : {Dims{0, 512, 128}, Dims{0, 264, 72}, Dims{0, 776, 1088}}) {
      SCOPED_TRACE(std::to_string(multiprocessors) + " CTAs, " + std::to_string(dims.n) + " x " +
                   std::to_string(dims.k));
      for (const WeightLayout layout : {WeightLayout::n_by_k, WeightLayout::k_by_n})
        expect_right(true, layout, GroupedTile::m128n256_streamed, dims, multiprocessors);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, GroupedGemmTest, ::testing::ValuesIn(tests::row_counts()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace moe::cuda
