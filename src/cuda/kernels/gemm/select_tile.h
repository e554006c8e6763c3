// Which compiled tile a product runs with. Host only; the rules come from measurements
// (docs/hopper.md).
#pragma once

#include <cstdint>

#include "cuda/kernels/gemm/d_act.h"
#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/kernels/gemm/up_proj.h"

namespace moe::cuda {

/// `rows` routed rows in all, n output columns, k reduction.
GroupedTile select_rows_tile(std::int64_t rows, int n, int k, int num_multiprocessors);
GroupedTile select_gradient_tile(bool gathered);
UpProjTile select_up_proj_tile();
DActTile select_d_act_tile();

}  // namespace moe::cuda
