// The row movers of the loop over experts against plain loops.
#include <gtest/gtest.h>

#include "cuda/kernels/permute/index_rows.h"
#include "row_data.cuh"

namespace moe::cuda {
namespace {

using tests::as_double;
using tests::DeviceArray;
using tests::PoisonedArray;

constexpr int kTokens = 211, kUnusedRows = 5;

/// Every third token, the last first.
std::vector<int> some_tokens() {
  std::vector<int> tokens;
  for (int t = kTokens - 1; t >= 0; t -= 3) tokens.push_back(t);
  return tokens;
}

template <class Element>
class IndexRowsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!tests::no_gpu_reason().empty()) GTEST_SKIP() << tests::no_gpu_reason();
  }
};
using Elements = ::testing::Types<__nv_bfloat16, __half, float>;
TYPED_TEST_SUITE(IndexRowsTest, Elements);

TYPED_TEST(IndexRowsTest, SelectCopiesTheRowsAndNothingElse) {
  const std::vector<int> tokens = some_tokens();
  const DeviceArray<int> row_tokens(tokens);
  const auto rows = static_cast<std::int64_t>(tokens.size());
  for (const int d : {8, 264, 1032, 4096}) {
    const PoisonedArray<TypeParam> from(std::size_t(kTokens) * d, 0, 1);
    const PoisonedArray<TypeParam> to((rows + kUnusedRows) * d);
    select_rows(
        {from.get(), to.get(), row_tokens.get(), nullptr, tests::kDType<TypeParam>, rows, d},
        nullptr);
    MOE_CUDA_CHECK(cudaDeviceSynchronize());
    const auto got = to.to_host(), source = from.to_host();
    for (std::int64_t i = 0; i < rows * d; ++i)
      ASSERT_EQ(as_double(got[i]), as_double(source[tokens[i / d] * std::int64_t{d} + i % d]));
    tests::expect_unwritten<TypeParam>({got.begin() + rows * d, got.end()});
  }
}

TYPED_TEST(IndexRowsTest, AddPutsScaledRowsOntoTheirTokens) {
  const std::vector<int> tokens = some_tokens();
  const DeviceArray<int> row_tokens(tokens);
  const auto rows = static_cast<std::int64_t>(tokens.size());
  for (const bool scaled : {true, false}) {
    for (const int d : {8, 264, 1032, 4096}) {
      const PoisonedArray<TypeParam> from(rows * d, kUnusedRows * d, 1);
      const PoisonedArray<TypeParam> to(std::size_t(kTokens) * d, 0, 2);
      const PoisonedArray<float> scales(rows, kUnusedRows, 3);
      const auto before = to.to_host(), added = from.to_host();
      const auto factors = scales.to_host();
      add_rows({from.get(), to.get(), row_tokens.get(), scaled ? scales.get() : nullptr,
                tests::kDType<TypeParam>, rows, d},
               nullptr);
      MOE_CUDA_CHECK(cudaDeviceSynchronize());
      std::vector<double> want(before.size());
      for (std::size_t i = 0; i < want.size(); ++i) want[i] = as_double(before[i]);
      for (std::int64_t i = 0; i < rows * d; ++i) {
        want[tokens[i / d] * std::int64_t{d} + i % d] +=
            (scaled ? factors[i / d] : 1.0) * as_double(added[i]);
      }
      tests::expect_close<TypeParam>(to.to_host(), want);
    }
  }
}

TYPED_TEST(IndexRowsTest, NoRowsAreNoLaunch) {
  select_rows({nullptr, nullptr, nullptr, nullptr, tests::kDType<TypeParam>, 0, 8}, nullptr);
  add_rows({nullptr, nullptr, nullptr, nullptr, tests::kDType<TypeParam>, 0, 8}, nullptr);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

}  // namespace
}  // namespace moe::cuda
