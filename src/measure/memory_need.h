// How much device memory a comparison needs, before any of it is allocated.
#pragma once

#include <cstdint>
#include <vector>

#include "measure/variant_choice.h"
#include "record/record.h"

namespace moe::measure {

/// The request that a comparison makes of a variant.
Request make_request(const LayerConfig& config, std::int64_t tokens, bool training);

/// Bytes of one variant: weights, gradients, saved, workspace, and peak = saved + workspace.
record::Bytes variant_bytes(const Plan& plan);

/// Device bytes of tensors that all variants share: weights, gradients, x, out and their gradients,
/// logits.
std::int64_t shared_tensor_bytes(const LayerConfig& config, std::int64_t tokens, bool training);

/// Most tokens (a multiple of 64 above 64) for which shared tensors and this variant's regions fit.
std::int64_t largest_tokens(const VariantChoice& choice, const LayerConfig& config, bool training,
                            const DeviceTraits& traits, std::int64_t capacity_bytes);

}  // namespace moe::measure
