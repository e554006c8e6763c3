// Matrices to what cuBLAS is asked.
#include "cuda/variants/dense_products.h"

namespace moe::cuda {

Rows rows_of(TensorView matrix, std::int64_t begin) {
  const std::int64_t columns = matrix.shape[1];
  const auto size = static_cast<std::int64_t>(size_of(matrix.dtype));
  return {matrix.as<std::byte>() + begin * columns * size, columns};
}

Rows matrix_of(TensorView weight, int e) {
  const std::int64_t rows = weight.shape[1], columns = weight.shape[2];
  const auto size = static_cast<std::int64_t>(size_of(weight.dtype));
  return {weight.as<std::byte>() + e * rows * columns * size, columns};
}

void multiply(const Pass& pass, std::int64_t m, Rows a, Rows b, bool transposed, Rows c,
              Accumulate accumulate) {
  const DType dtype = pass.config.dtype;
  pass.blas.gemm_rows({.a = {.data = a.data, .stride = a.columns},
                       .b = {.data = b.data, .stride = b.columns, .transposed = transposed},
                       .c = {.data = c.data, .stride = c.columns},
                       .m = m,
                       .n = c.columns,
                       .k = a.columns,
                       .in_dtype = dtype,
                       .out_dtype = dtype,
                       .accumulate = accumulate});
}

void multiply_over_rows(const Pass& pass, std::int64_t rows, Rows a, Rows b, Rows c,
                        Accumulate accumulate) {
  const DType dtype = pass.config.dtype;
  pass.blas.gemm_rows({.a = {.data = a.data, .stride = a.columns, .transposed = true},
                       .b = {.data = b.data, .stride = b.columns},
                       .c = {.data = c.data, .stride = c.columns},
                       .m = a.columns,
                       .n = b.columns,
                       .k = rows,
                       .in_dtype = dtype,
                       .out_dtype = dtype,
                       .accumulate = accumulate});
}

}  // namespace moe::cuda
