// Blocks of 512 x 512: converting one is little work beside the 512 products of each of its
// elements, and three of them stay in the caches.
#include "cpu/widened_gemm.h"

#include <algorithm>
#include <string>

#include "moe/error.h"

namespace moe::cpu {
namespace {

constexpr std::int64_t kBlock = 512;
constexpr std::size_t kBlockBytes = kBlock * kBlock * sizeof(float);
static_assert(kWidenedBytes == 3 * kBlockBytes, "one block of A, B and C each");

struct Range {
  std::int64_t begin, count;
};

Range block_of(std::int64_t begin, std::int64_t size) {
  return {begin, std::min(kBlock, size - begin)};
}

Matrix part(const Matrix& m, Range rows, Range cols) {
  const std::int64_t first = rows.begin * m.row_stride + cols.begin * m.col_stride;
  char* data = static_cast<char*>(m.data) + first * static_cast<std::int64_t>(size_of(m.dtype));
  return {data, m.dtype, rows.count, cols.count, m.row_stride, m.col_stride};
}

/// A dense float32 matrix of m's shape at `to`, contiguous along the same axis as m.
Matrix dense_like(const Matrix& m, std::byte* to) {
  if (m.col_stride == 1) return {to, DType::f32, m.rows, m.cols, m.cols, 1};
  return {to, DType::f32, m.rows, m.cols, 1, m.rows};
}

/// Calls convert(narrow, wide, count) for every contiguous line of m and of its widened copy.
template <class Convert>
void each_line(const Matrix& m, const Matrix& wide, const Convert& convert) {
  const bool by_rows = m.col_stride == 1;
  const std::int64_t lines = by_rows ? m.rows : m.cols, length = by_rows ? m.cols : m.rows;
  const std::int64_t stride = by_rows ? m.row_stride : m.col_stride;
#pragma omp parallel for schedule(static)
  for (std::int64_t line = 0; line < lines; ++line) {
    convert(static_cast<float16*>(m.data) + line * stride,
            static_cast<float*>(wide.data) + line * length, length);
  }
}

Matrix widened(const Matrix& m, std::byte* to) {
  const Matrix wide = dense_like(m, to);
  each_line(m, wide, [](const float16* from, float* values, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) values[i] = static_cast<float>(from[i]);
  });
  return wide;
}

void round_into(const Matrix& wide, const Matrix& m) {
  each_line(m, wide, [](float16* to, const float* values, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = float16(values[i]);
  });
}

}  // namespace

void widened_gemm(Gemm& gemm, const Matrix& a, const Matrix& b, const Matrix& c,
                  Accumulate accumulate, Memory scratch) {
  if (scratch.bytes < kWidenedBytes) {
    throw Error(ErrorKind::internal, "float16 product: the scratchpad is too small",
                std::to_string(scratch.bytes) + " bytes");
  }
  std::byte* const wide_a = scratch.data;
  std::byte *const wide_b = wide_a + kBlockBytes, *const wide_c = wide_b + kBlockBytes;
  const Memory rest{scratch.data + kWidenedBytes, scratch.bytes - kWidenedBytes};
  const bool narrow_c = c.dtype == DType::f16, adds = accumulate == Accumulate::add;
  for (std::int64_t m = 0; m < c.rows; m += kBlock) {
    for (std::int64_t n = 0; n < c.cols; n += kBlock) {
      const Range rows = block_of(m, c.rows), cols = block_of(n, c.cols);
      const Matrix own = part(c, rows, cols);
      const Matrix sums = !narrow_c ? own : adds ? widened(own, wide_c) : dense_like(own, wide_c);
      for (std::int64_t k = 0; k < a.cols; k += kBlock) {
        const Range inner = block_of(k, a.cols);
        gemm(widened(part(a, rows, inner), wide_a), widened(part(b, inner, cols), wide_b), sums,
             k > 0 ? Accumulate::add : accumulate, rest);
      }
      if (narrow_c) round_into(sums, own);
    }
  }
}

}  // namespace moe::cpu
