// The grouped GEMM against a plain product in double, for row counts that break tilings.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>

#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/kernels/gemm/grouped_gemm_instances.h"
#include "device_data.cuh"

namespace moe::cuda {
namespace {

using Bf16 = __nv_bfloat16;
using tests::DeviceArray;

bool has_hopper() {
  cudaDeviceProp properties{};
  return cudaGetDeviceProperties(&properties, 0) == cudaSuccess && properties.major == 9;
}

int multiprocessors() {
  cudaDeviceProp properties{};
  MOE_CUDA_CHECK(cudaGetDeviceProperties(&properties, 0));
  return properties.multiProcessorCount;
}

std::vector<double> as_double(const DeviceArray<Bf16>& array) {
  std::vector<double> values;
  for (Bf16 value : array.to_host()) values.push_back(__bfloat162float(value));
  return values;
}

struct Counts {
  std::string name;
  std::vector<int> rows;
};

std::vector<Counts> row_counts() {
  return {{"one_expert", {256}},
          {"tails", {0, 1, 63, 64, 65, 127, 128, 129, 0, 255, 257, 300}},
          {"all_on_one", {0, 0, 700, 0}},
          {"no_rows_at_all", {0, 0}},
          {"many_experts", std::vector<int>(70, 33)}};
}

struct Dims {
  int m, n, k;
};

class GroupedGemmTest : public ::testing::TestWithParam<Counts> {
 protected:
  void SetUp() override {
    if (!has_hopper()) GTEST_SKIP() << "no Hopper GPU";
  }

  std::vector<int> offsets() const {
    std::vector<int> result = {0};
    for (int count : GetParam().rows) result.push_back(result.back() + count);
    return result;
  }

  /// Every result right, and nothing written behind the last row.
  template <Ragged kRagged, WeightLayout kLayout, GemmTile kTile>
  void expect_right(Dims dims) {
    const std::vector<int> offset = offsets();
    const int E = static_cast<int>(GetParam().rows.size()), rows = offset.back();
    const int memory_rows = std::max(rows, 1) + 130;
    constexpr bool kByRows = kRagged == Ragged::rows;
    const std::size_t a_cols = kByRows ? dims.k : dims.m;
    DeviceArray<Bf16> a(memory_rows * a_cols);
    DeviceArray<Bf16> b(kByRows ? std::size_t(E) * dims.n * dims.k : std::size_t(memory_rows) * dims.n);
    const std::size_t c_rows = kByRows ? memory_rows : std::size_t(E) * dims.m;
    DeviceArray<Bf16> c(c_rows * dims.n);
    DeviceArray<int> device_offsets(offset);
    tests::fill_random(a, 1);
    tests::fill_random(b, 2);
    poison_unused_rows(a, rows, a_cols);
    if (!kByRows) poison_unused_rows(b, rows, dims.n);
    MOE_CUDA_CHECK(cudaMemset(c.get(), 0xff, c.size() * sizeof(Bf16)));
    launch_grouped_gemm<kRagged, kLayout, kTile>(
        {a.get(), b.get(), c.get(), device_offsets.get(), memory_rows, E, dims.m, dims.n, dims.k}, multiprocessors(), nullptr);
    MOE_CUDA_CHECK(cudaDeviceSynchronize());

    const auto av = as_double(a), bv = as_double(b), cv = as_double(c);
    double error = 0, norm = 0;
    const auto compare = [&](std::size_t index, double want) {
      error += (cv[index] - want) * (cv[index] - want);
      norm += want * want;
    };
    for (int e = 0; e < E; ++e) {
      if (kByRows) {
        for (int r = offset[e]; r < offset[e + 1]; ++r) {
          for (int j = 0; j < dims.n; ++j) {
            double want = 0;
            for (int i = 0; i < dims.k; ++i) {
              const std::size_t w = kLayout == WeightLayout::n_by_k ? (std::size_t(e) * dims.n + j) * dims.k + i
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
            for (int r = offset[e]; r < offset[e + 1]; ++r) want += av[std::size_t(r) * dims.m + i] * bv[std::size_t(r) * dims.n + j];
            compare((std::size_t(e) * dims.m + i) * dims.n + j, want);
          }
        }
      }
    }
    EXPECT_TRUE(std::sqrt(error) <= 4e-3 * std::sqrt(norm)) << "error " << std::sqrt(error / std::max(norm, 1e-30));
    if (kByRows) {
      for (std::size_t i = std::size_t(rows) * dims.n; i < cv.size(); ++i) ASSERT_TRUE(std::isnan(cv[i])) << "written at " << i;
    }
  }

  static void poison_unused_rows(DeviceArray<Bf16>& array, int rows, std::size_t columns) {
    MOE_CUDA_CHECK(cudaMemset(array.get() + rows * columns, 0xff, (array.size() - rows * columns) * sizeof(Bf16)));
  }

  template <GemmTile kTile>
  void expect_all_forms_right() {
    for (const Dims dims : {Dims{256, 512, 128}, Dims{136, 264, 72}, Dims{64, 64, 64}, Dims{128, 776, 320}}) {
      SCOPED_TRACE(std::to_string(dims.m) + " x " + std::to_string(dims.n) + " x " + std::to_string(dims.k));
      expect_right<Ragged::rows, WeightLayout::n_by_k, kTile>(dims);
      expect_right<Ragged::rows, WeightLayout::k_by_n, kTile>(dims);
      expect_right<Ragged::reduction, WeightLayout::n_by_k, kTile>(dims);
    }
  }
};

TEST_P(GroupedGemmTest, Tile128x256) { expect_all_forms_right<kTile128x256>(); }
TEST_P(GroupedGemmTest, Tile128x256Alone) { expect_all_forms_right<kTile128x256Alone>(); }
TEST_P(GroupedGemmTest, Tile128x192) { expect_all_forms_right<kTile128x192>(); }
TEST_P(GroupedGemmTest, Tile128x128) { expect_all_forms_right<kTile128x128>(); }

INSTANTIATE_TEST_SUITE_P(Rows, GroupedGemmTest, ::testing::ValuesIn(row_counts()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace moe::cuda
