// Matrix products through oneDNN, with the scratchpad in the caller's arena.
#pragma once

#include <cstdint>
#include <memory>

#include "moe/device.h"
#include "moe/layer.h"
#include "moe/tensor.h"

namespace moe::cpu {

/// A strided view of a matrix. One of the strides is 1.
struct Matrix {
  void* data = nullptr;
  DType dtype = DType::f32;
  std::int64_t rows = 0, cols = 0;
  std::int64_t row_stride = 0, col_stride = 1;
};

/// Rows [first, first + count) of a tensor whose last axis has `cols` elements.
Matrix matrix_rows(TensorView tensor, std::int64_t first, std::int64_t count, std::int64_t cols);
Matrix transposed(Matrix matrix);

class Gemm {
 public:
  Gemm();
  ~Gemm();

  /// C [m, n] = A [m, k] B [k, n], or C += A B. A product over nothing (k = 0) is zero. float16 is
  /// widened (widened_gemm.h).
  void operator()(Matrix a, Matrix b, Matrix c, Accumulate accumulate, Memory scratch);

 private:
  struct Primitives;
  std::unique_ptr<Primitives> primitives_;
};

/// "oneDNN 2.6.3".
const char* gemm_library_name();

}  // namespace moe::cpu
