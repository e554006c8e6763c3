// The three algorithms as plans: which buffers they need, for how long, and in which steps they
// work. Pure host code, so every plan can be made, printed and tested without the device it is for.
#pragma once

#include "moe/variant.h"

namespace moe::plan {

/// How a backend runs the shared expert, always keeping its H alone.
enum class SharedScheme {
  fused,     // dense products; one pass over a float32 dA' makes dH, A' and the gate's gradient
  stepwise,  // dense products, and a step of its own for all else, in the layer's type
  routed,    // kernels of routed experts: one expert whose rows are all tokens
};

/// `sonic`: what is gathered in a step of its own before the weight gradient that reads it, into
/// the buffer of dX's rows, where products would gather it themselves.
struct GathersAgain {
  bool d_out = false;  // d_gather_out, before d_w_down
  bool x = false;      // d_gather_x, before d_w_up and behind the sum over dX's rows
};

/// Scratch that a backend's kernels want beside the tensors of the algorithm.
struct KernelScratch {
  std::size_t permute_bytes = 0;     // from chosen experts to sorted rows
  std::size_t round_bytes = 0;       // token rounding as a step of its own, before the permutation
  std::int64_t d_score_columns = 0;  // sonic: columns of A' that one tile sums into dS; 0 = all
  SharedScheme shared = SharedScheme::fused;
  std::size_t stream_bytes = 0;   // sums that CTAs hand over where a product has few tiles
  bool gemm_turns = false;        // a counter by which the CTAs of a long product keep in step
  std::int64_t bias_chunks = 0;   // sums that a bias's gradient over all tokens goes through
  bool rounds_d_logits = false;   // d_logits are made in the layer's type, without a float32 copy
  bool sums_router_part = false;  // the sum of dX over rows takes the router's part along
  GathersAgain gathers_again;
};

/// The loop over experts that PyTorch users write: autograd keeps gathered X, H, A and Y of every
/// expert.
Plan vanilla(const Request& request, const DeviceTraits& traits, const KernelScratch& scratch = {});

/// Rows sorted by expert, separate gather, GEMM, activation, GEMM, weighted sum. Saves the same
/// tensors.
Plan grouped_gemm(const Request& request, const DeviceTraits& traits,
                  const KernelScratch& scratch = {});

/// SonicMoE (arXiv 2512.14080): only X and H are kept; A is recomputed, dS = <dA', A>.
Plan sonic(const Request& request, const DeviceTraits& traits, const KernelScratch& scratch = {});

}  // namespace moe::plan
