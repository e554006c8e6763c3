// The launch of the up-projection for any element type.
#pragma once

#include "cuda/kernels/gemm/up_proj.cuh"
#include "cuda/runtime/element.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {

template <class Element, GemmTile kTile, class Form>
void start_up_proj(const UpProjProblem& p, int num_multiprocessors, cudaStream_t stream) {
  using Product = UpProj<Element, kTile, Form>;
  constexpr int kParts = Product::kParts;
  constexpr DType kType = kDTypeOf<Element>;
  typename Product::Args args = {};
  args.dims = {p.expert_offsets, p.num_experts, 0, kParts * p.n, p.d, zeroed(p.turns, stream)};
  args.x = {static_cast<const std::uint16_t*>(p.x), p.row_tokens, p.d};
  args.w_up = map_part_batch(p.w_up, kType, p.num_experts, kParts, p.n, p.d, 64, p.layout);
  args.stores_h = p.h != nullptr;
  if (args.stores_h) args.h = map_part_ragged_rows(p.h, kType, kParts, p.n, kImageRows);
  args.a = map_ragged_rows(p.a, kType, p.n, kImageRows);
  args.ffn_dim = p.n;
  args.activation = p.activation;
  args.layout = p.layout;
  args.b_up = static_cast<const Element*>(p.b_up);
  launch<ExpertGemm<Product>>(args, dim3(num_multiprocessors / kTile.cluster_m * kTile.cluster_m),
                              stream);
}

}  // namespace moe::cuda
