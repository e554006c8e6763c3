// The launch of the activation gradient for any element type.
#pragma once

#include "cuda/kernels/gemm/d_act.cuh"
#include "cuda/runtime/element.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {

template <class Element, GemmTile kTile, class Form>
void start_d_act(const DActProblem& p, int num_multiprocessors, cudaStream_t stream) {
  static_assert(kTile.block_n == kDScoreColumns, "the plan sizes d_score_parts by this");
  using Product = DAct<Element, kTile, Form>;
  constexpr DType kType = kDTypeOf<Element>;
  typename Product::Args args = {};
  args.dims = {p.expert_offsets, p.num_experts, 0, p.n, p.d, zeroed(p.turns, stream)};
  args.d_out = {static_cast<const std::uint16_t*>(p.d_out), p.row_tokens, p.d};
  args.w_down = map_batch(p.w_down, kType, p.num_experts, p.d, p.n, 64);
  args.h = map_part_ragged_rows(p.h, kType, Product::kParts, p.n, kTile.block_m);
  args.d_h = map_part_ragged_rows(p.d_h, kType, Product::kParts, p.n, kImageRows);
  args.a_scaled = map_ragged_rows(p.a_scaled, kType, p.n, kImageRows);
  args.row_scores = p.row_scores;
  args.d_score_parts = p.d_score_parts;
  args.rows = p.rows;
  args.activation = p.activation;
  launch<ExpertGemm<Product>>(args, dim3(num_multiprocessors / kTile.cluster_m * kTile.cluster_m),
                              stream);
}

}  // namespace moe::cuda
