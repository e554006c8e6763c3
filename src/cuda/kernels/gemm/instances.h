// The compiled instances of each element type: a .cu file per product and type. dispatch.cpp is
// the only caller; contracts are those of the functions of the same name without a type.
#pragma once

#include "cuda/kernels/gemm/d_act.h"
#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/kernels/gemm/up_proj.h"

namespace moe::cuda {

void multiply_rows_bf16(const GroupedRowsProblem& problem, WeightLayout layout, GroupedTile tile,
                        int num_multiprocessors, cudaStream_t stream);
void weight_gradient_bf16(const WeightGradientProblem& problem, GroupedTile tile,
                          int num_multiprocessors, cudaStream_t stream);
void up_proj_bf16(const UpProjProblem& problem, UpProjTile tile, int num_multiprocessors,
                  cudaStream_t stream);
void d_act_bf16(const DActProblem& problem, DActTile tile, int num_multiprocessors,
                cudaStream_t stream);

/// `tile`: one that nearest_fp16_tile() gives. The other products have one tile.
void multiply_rows_fp16(const GroupedRowsProblem& problem, WeightLayout layout, GroupedTile tile,
                        int num_multiprocessors, cudaStream_t stream);
void weight_gradient_fp16(const WeightGradientProblem& problem, int num_multiprocessors,
                          cudaStream_t stream);
void up_proj_fp16(const UpProjProblem& problem, int num_multiprocessors, cudaStream_t stream);
void d_act_fp16(const DActProblem& problem, int num_multiprocessors, cudaStream_t stream);

}  // namespace moe::cuda
