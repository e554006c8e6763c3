// How much device memory a comparison needs, before any of it is allocated.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "measure/problem/variant_choice.h"
#include "record/record.h"

namespace moe::measure {

/// The request that a comparison makes of a variant; `given_rows`: of a routing that is brought.
Request make_request(const LayerConfig& config, std::int64_t tokens, bool training,
                     std::optional<std::int64_t> given_rows = {});

/// Bytes of one variant: weights, gradients, saved, workspace, and peak = saved + workspace.
record::Bytes variant_bytes(const Plan& plan);

/// Bytes of a row: of its variant's plan, or of what the dense bound puts into the regions.
record::Bytes choice_bytes(const VariantChoice& choice, const LayerConfig& config,
                           std::int64_t tokens, bool training, const DeviceTraits& traits,
                           std::optional<std::int64_t> given_rows = {});

/// Device bytes of tensors that all variants share: weights, gradients, x, out and their gradients,
/// logits.
std::int64_t shared_tensor_bytes(const LayerConfig& config, std::int64_t tokens, bool training);

/// Most tokens (a multiple of 64 above 64) for which shared tensors and this variant's regions fit.
std::int64_t largest_tokens(const VariantChoice& choice, const LayerConfig& config, bool training,
                            const DeviceTraits& traits, std::int64_t capacity_bytes);

}  // namespace moe::measure
