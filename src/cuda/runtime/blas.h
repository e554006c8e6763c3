// Matrix products through cuBLAS in row-major terms: for the vanilla variant and for measured
// ceilings; the other variants have kernels of their own. cuBLAS stays out of this header.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>

#include "moe/device.h"
#include "moe/layer.h"

struct cublasContext;

namespace moe::cuda {

/// A row-major operand in device memory; `transposed` multiplies by the transpose of it.
struct RowOperand {
  const void* data = nullptr;
  std::int64_t stride = 0;  // elements from one stored row to the next
  bool transposed = false;
  std::int64_t batch_stride = 0;  // elements from one matrix of a batch to the next
};

struct RowResult {
  void* data = nullptr;
  std::int64_t stride = 0;
  std::int64_t batch_stride = 0;
};

/// C [m, n] = A [m, k] B [k, n], or C += A B; `batch` such products at constant distances.
struct RowProduct {
  RowOperand a, b;
  RowResult c;
  std::int64_t m = 0, n = 0, k = 0;
  DType in_dtype = DType::bf16;   // of A and B: bf16, f16 or f32
  DType out_dtype = DType::bf16;  // of C: f32, or that of A and B
  Accumulate accumulate = Accumulate::overwrite;
  std::int64_t batch = 1;
};

/// A cuBLAS handle of one device. It must be told its stream and workspace before it multiplies.
class Blas {
 public:
  explicit Blas(int device);
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  /// `workspace`: device memory of DeviceTraits::gemm_scratch_bytes, lent until the next use().
  void use(cudaStream_t stream, Memory workspace);

  /// Sums in float32 (no TF32). A product over nothing (k = 0) is zero. Throws Error{device}.
  void gemm_rows(const RowProduct& product);

 private:
  cublasContext* handle_ = nullptr;
};

/// "cuBLAS 13.1.0".
std::string blas_name();

}  // namespace moe::cuda
