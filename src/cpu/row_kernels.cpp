// Row loops. Each works on float; rows of 16-bit types convert at load and store.
#include "cpu/row_kernels.h"

#include <algorithm>
#include <cstring>

#include "cpu/element.h"

namespace moe::cpu {

void gather_rows(TensorView src, const std::int32_t* row_tokens, std::int64_t count,
                 TensorView dst) {
  const std::int64_t d = src.shape[1];
  const std::size_t row_bytes = static_cast<std::size_t>(d) * size_of(src.dtype);
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(dst.as<char>() + i * row_bytes, src.as<char>() + row_tokens[i] * row_bytes,
                row_bytes);
  }
}

void sum_token_rows(TensorView rows, const std::int32_t* token_offsets,
                    const std::int32_t* token_rows, const float* scale, std::int64_t tokens,
                    TensorView out) {
  constexpr std::int64_t kBlock = 256;  // columns whose sums stay in registers and L1
  const std::int64_t d = out.shape[1];
  with_element(out.dtype, [&]<class Element>() {
#pragma omp parallel for schedule(static)
    for (std::int64_t t = 0; t < tokens; ++t) {
      for (std::int64_t begin = 0; begin < d; begin += kBlock) {
        const std::int64_t width = std::min(kBlock, d - begin);
        float sum[kBlock] = {};
        for (std::int32_t i = token_offsets[t]; i < token_offsets[t + 1]; ++i) {
          const std::int64_t row = token_rows[i];
          const float weight = scale == nullptr ? 1.0f : scale[row];
          const Element* values = rows.as<Element>() + row * d + begin;
          for (std::int64_t c = 0; c < width; ++c) sum[c] += weight * static_cast<float>(values[c]);
        }
        Element* target = out.as<Element>() + t * d + begin;
        for (std::int64_t c = 0; c < width; ++c) target[c] = static_cast<Element>(sum[c]);
      }
    }
  });
}

void index_add_rows(TensorView rows, const std::int32_t* row_tokens, const float* scale,
                    std::int64_t count, TensorView out) {
  const std::int64_t d = out.shape[1];
  with_element(out.dtype, [&]<class Element>() {
#pragma omp parallel for schedule(static)  // row_tokens are distinct within one expert
    for (std::int64_t i = 0; i < count; ++i) {
      const float weight = scale == nullptr ? 1.0f : scale[i];
      const Element* values = rows.as<Element>() + i * d;
      Element* target = out.as<Element>() + row_tokens[i] * d;
      for (std::int64_t c = 0; c < d; ++c) {
        target[c] = static_cast<Element>(static_cast<float>(target[c]) +
                                         weight * static_cast<float>(values[c]));
      }
    }
  });
}

void fill_rows(TensorView row, std::int64_t count, TensorView rows) {
  const std::size_t row_bytes = row.bytes();
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(rows.as<char>() + i * row_bytes, row.data, row_bytes);
  }
}

void sum_rows(TensorView rows, const std::int32_t* row_tokens, const float* scale,
              std::int64_t count, Accumulate accumulate, TensorView sum) {
  constexpr std::int64_t kBlock = 64;  // columns whose sums stay in registers and L1
  const std::int64_t width = sum.shape[1];
  with_element(sum.dtype, [&]<class Element>() {
#pragma omp parallel for schedule(static)
    for (std::int64_t begin = 0; begin < width; begin += kBlock) {
      const std::int64_t block = std::min(kBlock, width - begin);
      Element* target = sum.as<Element>() + begin;
      double sums[kBlock] = {};
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t row = row_tokens == nullptr ? i : row_tokens[i];
        const double weight = scale == nullptr ? 1.0 : scale[i];
        const Element* values = rows.as<Element>() + row * width + begin;
        for (std::int64_t c = 0; c < block; ++c) sums[c] += weight * static_cast<float>(values[c]);
      }
      for (std::int64_t c = 0; c < block; ++c) {
        if (accumulate == Accumulate::add) sums[c] += static_cast<float>(target[c]);
        target[c] = static_cast<Element>(static_cast<float>(sums[c]));
      }
    }
  });
}

void add_dots(TensorView rows, TensorView row, std::int64_t count, float* dots) {
  const std::int64_t width = row.shape[1];
  with_element(rows.dtype, [&]<class Element>() {
    const Element* factors = row.as<Element>();
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < count; ++i) {
      const Element* values = rows.as<Element>() + i * width;
      float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
      for (std::int64_t c = 0; c < width; ++c) {
        dot += static_cast<float>(values[c]) * static_cast<float>(factors[c]);
      }
      dots[i] += dot;
    }
  });
}

void combine_backward(TensorView d_out, TensorView y, const std::int32_t* row_tokens,
                      const float* scores, std::int64_t count, TensorView d_y, float* d_scores) {
  const std::int64_t d = d_out.shape[1];
  with_element(d_out.dtype, [&]<class Element>() {
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < count; ++i) {
      const Element* gradient = d_out.as<Element>() + row_tokens[i] * d;
      const Element* output = y.as<Element>() + i * d;
      Element* target = d_y.as<Element>() + i * d;
      float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
      for (std::int64_t c = 0; c < d; ++c) {
        const float g = static_cast<float>(gradient[c]);
        dot += g * static_cast<float>(output[c]);
        target[c] = static_cast<Element>(scores[i] * g);
      }
      d_scores[i] = dot;
    }
  });
}

}  // namespace moe::cpu
