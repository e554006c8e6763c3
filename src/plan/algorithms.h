// The three algorithms as plans: which buffers they need, for how long, and in which steps they work.
// Pure host code, so every plan can be made, printed and tested without the device it is for.
#pragma once

#include "moe/variant.h"

namespace moe::plan {

/// The loop over experts that PyTorch users write: autograd keeps gathered X, H, A and Y of every expert.
Plan vanilla(const Request& request, const DeviceTraits& traits);

/// Rows sorted by expert, separate gather, GEMM, activation, GEMM, weighted sum. Saves the same tensors.
Plan grouped_gemm(const Request& request, const DeviceTraits& traits);

/// SonicMoE (arXiv 2512.14080): only X and H are kept; A is recomputed, dS = <dA', A>.
Plan sonic(const Request& request, const DeviceTraits& traits);

}  // namespace moe::plan
