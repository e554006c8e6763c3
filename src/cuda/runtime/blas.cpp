// cuBLAS thinks in columns: a row-major C = A B is C^T = B^T A^T of the same memory to it.
#include "cuda/runtime/blas.h"

#include <cublas_v2.h>

#include "cuda/runtime/check.h"

namespace moe::cuda {
namespace {

void check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const bool no_memory = status == CUBLAS_STATUS_ALLOC_FAILED;
  throw Error(no_memory ? ErrorKind::out_of_memory : ErrorKind::device,
              std::string(call) + " failed", cublasGetStatusString(status));
}

cudaDataType_t data_type(DType dtype) {
  if (dtype == DType::bf16) return CUDA_R_16BF;
  if (dtype == DType::f16) return CUDA_R_16F;
  if (dtype == DType::f32) return CUDA_R_32F;
  throw Error(ErrorKind::internal, "cuBLAS: no products of " + std::string(name_of(dtype)));
}

cublasOperation_t operation(const RowOperand& operand) {
  return operand.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
}

}  // namespace

Blas::Blas(int device) {
  MOE_CUDA_CHECK(cudaSetDevice(device));
  check(cublasCreate(&handle_), "cublasCreate");
}

Blas::~Blas() {
  cublasDestroy(handle_);
}

void Blas::use(cudaStream_t stream, Memory workspace) {
  check(cublasSetStream(handle_, stream),
        "cublasSetStream");  // forgets the workspace: it comes first
  check(cublasSetWorkspace(handle_, workspace.data, workspace.bytes), "cublasSetWorkspace");
}

void Blas::gemm_rows(const RowProduct& p) {
  if (p.m == 0 || p.n == 0 || p.batch == 0) return;
  const float alpha = 1.0f, beta = p.accumulate == Accumulate::add ? 1.0f : 0.0f;
  const cudaDataType_t in = data_type(p.in_dtype), out = data_type(p.out_dtype);
  if (p.batch == 1) {
    check(cublasGemmEx_64(handle_, operation(p.b), operation(p.a), p.n, p.m, p.k, &alpha, p.b.data,
                          in, p.b.stride, p.a.data, in, p.a.stride, &beta, p.c.data, out,
                          p.c.stride, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
          "cublasGemmEx");
    return;
  }
  check(cublasGemmStridedBatchedEx_64(handle_, operation(p.b), operation(p.a), p.n, p.m, p.k,
                                      &alpha, p.b.data, in, p.b.stride, p.b.batch_stride, p.a.data,
                                      in, p.a.stride, p.a.batch_stride, &beta, p.c.data, out,
                                      p.c.stride, p.c.batch_stride, p.batch, CUBLAS_COMPUTE_32F,
                                      CUBLAS_GEMM_DEFAULT),
        "cublasGemmStridedBatchedEx");
}

std::string blas_name() {
  std::string name = "cuBLAS ";
  for (libraryPropertyType part : {MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL}) {
    int value = 0;
    check(cublasGetProperty(part, &value), "cublasGetProperty");
    name += (part == MAJOR_VERSION ? "" : ".") + std::to_string(value);
  }
  return name;
}

}  // namespace moe::cuda
