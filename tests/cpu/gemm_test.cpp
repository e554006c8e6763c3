// Products: every orientation and type that the layers use, exactly, on integer-valued inputs.
#include <gtest/gtest.h>

#include <vector>

#include "cpu/gemm.h"
#include "moe/error.h"

namespace moe::cpu {
namespace {

/// Small integers: products and sums are exact in float32, in bfloat16 up to 256 and in
/// float16 up to 2048.
template <class Element>
std::vector<Element> integers(std::int64_t count, int modulus) {
  std::vector<Element> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(static_cast<Element>(static_cast<float>(i * 7 % modulus - modulus / 2)));
  return values;
}

template <class Element>
DType dtype_of() {
  if (std::is_same_v<Element, float>) return DType::f32;
  return std::is_same_v<Element, float16> ? DType::f16 : DType::bf16;
}

template <class Element, class Result = float>
void expect_exact(std::int64_t m, std::int64_t n, std::int64_t k, bool transpose_a,
                  bool transpose_b, Accumulate accumulate, std::size_t scratch_bytes) {
  auto a = integers<Element>(m * k, 3), b = integers<Element>(k * n, 5);
  std::vector<Result> c(static_cast<std::size_t>(m * n), Result(3.0f));
  std::vector<std::byte> scratch(scratch_bytes + 64);
  const Matrix left = transpose_a ? transposed({a.data(), dtype_of<Element>(), k, m, m, 1})
                                  : Matrix{a.data(), dtype_of<Element>(), m, k, k, 1};
  const Matrix right = transpose_b ? transposed({b.data(), dtype_of<Element>(), n, k, k, 1})
                                   : Matrix{b.data(), dtype_of<Element>(), k, n, n, 1};
  Gemm gemm;
  gemm(left, right, {c.data(), dtype_of<Result>(), m, n, n, 1}, accumulate,
       {scratch.data(), scratch_bytes});
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      float sum = accumulate == Accumulate::add ? 3.0f : 0.0f;
      for (std::int64_t r = 0; r < k; ++r) {
        sum += static_cast<float>(a[i * left.row_stride + r * left.col_stride]) *
               static_cast<float>(b[r * right.row_stride + j * right.col_stride]);
      }
      ASSERT_EQ(static_cast<float>(c[i * n + j]), sum) << "at " << i << ", " << j;
    }
  }
}

template <class Element, class Result = float>
void expect_all_orientations(std::size_t scratch_bytes) {
  for (const auto& [m, n, k] : {std::array<std::int64_t, 3>{1, 1, 1},
                                {5, 3, 7},
                                {64, 33, 17},
                                {7, 128, 64},
                                {130, 65, 1}}) {
    for (const bool a : {false, true}) {
      for (const bool b : {false, true}) {
        for (const Accumulate accumulate : {Accumulate::overwrite, Accumulate::add}) {
          expect_exact<Element, Result>(m, n, k, a, b, accumulate, scratch_bytes);
        }
      }
    }
  }
}

TEST(Gemm, IsExactOnIntegers) {
  expect_all_orientations<float>(1 << 22);
}

TEST(Gemm, IsExactWithoutScratchpad) {
  expect_all_orientations<float>(0);
}

TEST(Gemm, Float16IsExactOnIntegers) {
  expect_all_orientations<float16>(1 << 22);
  expect_all_orientations<float16, float16>(1 << 22);
}

/// More than one block of the widened product in every direction.
TEST(Gemm, LargeFloat16ProductsAreExactOnIntegers) {
  for (const bool transposed : {false, true}) {
    expect_exact<float16>(520, 515, 530, transposed, !transposed, Accumulate::overwrite, 1 << 24);
    expect_exact<float16, float16>(7, 1030, 1100, transposed, transposed, Accumulate::add, 1 << 24);
  }
}

TEST(Gemm, Float16AsksForItsBlocks) {
  EXPECT_THROW(expect_exact<float16>(4, 6, 5, false, false, Accumulate::overwrite, 1 << 20), Error);
}

TEST(Gemm, ProductOverNothingIsZeroOrUnchanged) {
  expect_exact<float>(4, 6, 0, false, false, Accumulate::overwrite, 0);
  expect_exact<float>(4, 6, 0, true, false, Accumulate::add, 0);
  expect_exact<float>(0, 6, 4, false, false, Accumulate::overwrite, 0);
  expect_exact<float16, float16>(4, 6, 0, false, false, Accumulate::overwrite, 0);
}

TEST(Gemm, NamesItsLibrary) {
  EXPECT_EQ(std::string(gemm_library_name()).rfind("oneDNN ", 0), 0u);
}

}  // namespace
}  // namespace moe::cpu
