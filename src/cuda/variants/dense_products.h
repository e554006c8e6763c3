// Products of row-major matrices through cuBLAS, as a layer written in PyTorch asks for them: sums
// in float32, every result rounded to the layer's type.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/variants/layer.h"

namespace moe::cuda {

/// A matrix of `columns`, from some row on.
struct Rows {
  std::byte* data;
  std::int64_t columns;
};

/// The rows of a matrix [rows, columns] from `begin` on.
Rows rows_of(TensorView matrix, std::int64_t begin = 0);

/// Matrix e of a weight or gradient [E, rows, columns].
Rows matrix_of(TensorView weight, int e);

/// C [m, c.columns] = A B or C += A B, for m rows of A; B is [a.columns, c.columns] or, transposed,
/// [c.columns, a.columns].
void multiply(const Pass& pass, std::int64_t m, Rows a, Rows b, bool transposed, Rows c,
              Accumulate accumulate = Accumulate::overwrite);

/// C [a.columns, b.columns] = A^T B or C += A^T B, summed over `rows` rows of both.
void multiply_over_rows(const Pass& pass, std::int64_t rows, Rows a, Rows b, Rows c,
                        Accumulate accumulate);

}  // namespace moe::cuda
