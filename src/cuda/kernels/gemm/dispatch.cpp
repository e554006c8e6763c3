// From the type of a product's elements to the instances compiled for it.
#include <string>

#include "cuda/kernels/gemm/instances.h"
#include "cuda/kernels/gemm/select_tile.h"
#include "moe/error.h"

namespace moe::cuda {
namespace {

/// Of the two types that tensor cores are used with here. Throws Error{internal} for others.
bool is_fp16(DType dtype) {
  if (dtype == DType::f16) return true;
  if (dtype == DType::bf16) return false;
  throw Error(ErrorKind::internal, "GEMM: no " + std::string(name_of(dtype)));
}

/// Throws Error{internal} for interleaved rows that boxes of 64 x 64 cannot take one half at a
/// time.
void require_whole_boxes(bool interleaved, bool supported, int rows, int columns) {
  if (!interleaved || (supported && rows % 128 == 0 && columns % 64 == 0)) return;
  throw Error(ErrorKind::internal, "grouped GEMM: it cannot take interleaved rows of this weight",
              std::to_string(rows) + " x " + std::to_string(columns));
}

}  // namespace

void multiply_rows(const GroupedRowsProblem& p, WeightLayout layout, GroupedTile tile,
                   int num_multiprocessors, cudaStream_t stream) {
  require_whole_boxes(p.interleaved, layout == WeightLayout::k_by_n, p.k, p.n);
  if (is_fp16(p.dtype))
    return multiply_rows_fp16(p, layout, nearest_fp16_tile(tile), num_multiprocessors, stream);
  multiply_rows_bf16(p, layout, tile, num_multiprocessors, stream);
}

void weight_gradient(const WeightGradientProblem& p, GroupedTile tile, int num_multiprocessors,
                     cudaStream_t stream) {
  require_whole_boxes(p.interleaved, p.transposed, p.n, p.m);
  if (is_fp16(p.dtype)) return weight_gradient_fp16(p, num_multiprocessors, stream);
  weight_gradient_bf16(p, tile, num_multiprocessors, stream);
}

void up_proj(const UpProjProblem& problem, UpProjTile tile, int num_multiprocessors,
             cudaStream_t stream) {
  if (is_fp16(problem.dtype)) return up_proj_fp16(problem, num_multiprocessors, stream);
  up_proj_bf16(problem, tile, num_multiprocessors, stream);
}

void d_act(const DActProblem& problem, DActTile tile, int num_multiprocessors,
           cudaStream_t stream) {
  if (is_fp16(problem.dtype)) return d_act_fp16(problem, num_multiprocessors, stream);
  d_act_bf16(problem, tile, num_multiprocessors, stream);
}

}  // namespace moe::cuda
