// Rows of a comparison by name: a variant, and the routing policy it is run with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moe/config.h"
#include "moe/registry.h"

namespace moe::measure {

/// The pseudo-variant of measure/dense_bound.h: a row of the table, but no MoE layer.
inline constexpr std::string_view kDenseBound = "dense_bound";
inline constexpr std::string_view kDenseBoundSummary =
    "no MoE layer but the bar beside them (GPU): the expert products as dense batched GEMMs of the "
    "vendor's library, perfectly balanced, without routing; nothing to verify";

struct VariantChoice {
  std::string label;                 // "sonic+rounding"
  const Variant* variant = nullptr;  // null: dense_bound
  bool rounded = false;

  bool is_dense_bound() const { return variant == nullptr; }
  bool is_framework() const { return variant != nullptr && variant->is_framework(); }

  /// `base` with this row's rounding: the one given where the label says "+rounding", else none.
  LayerConfig config(LayerConfig base) const {
    if (!rounded) base.rounding.rule = RoundingRule::none;
    return base;
  }
};

/// Every variant but frameworks', and every one but the first (the loop that users write) with
/// rounding too; on GPUs dense_bound behind them. So they do not depend on what a build found.
std::vector<std::string> default_labels(DeviceKind kind);

/// The same on a device and for a layer that it is to run: where no variant but the first can, that
/// one stands with rounding too, so that rounding is seen there at all.
std::vector<std::string> default_labels(const LayerConfig& config, const DeviceTraits& traits);

/// Every label that a device of this kind can be asked for.
std::vector<std::string> known_labels(DeviceKind kind);

/// Throws Error{usage} for an unknown label, naming the known ones.
VariantChoice parse_variant(DeviceKind kind, std::string_view label);

}  // namespace moe::measure
