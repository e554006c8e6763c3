// "NAME" or "NAME+rounding".
#include "measure/problem/variant_choice.h"

#include <algorithm>

#include "moe/error.h"

namespace moe::measure {
namespace {

constexpr std::string_view kRoundingSuffix = "+rounding";

}  // namespace

std::vector<std::string> default_labels(DeviceKind kind) {
  std::vector<std::string> labels;
  for (const Variant* variant : variants(kind)) {
    if (variant->is_framework()) continue;
    const std::string name(variant->name());
    labels.push_back(name);
    if (labels.size() > 1) labels.push_back(name + std::string(kRoundingSuffix));
  }
  if (kind == DeviceKind::cuda) labels.emplace_back(kDenseBound);
  return labels;
}

std::vector<std::string> default_labels(const LayerConfig& config, const DeviceTraits& traits) {
  std::vector<std::string> labels = default_labels(traits.kind);
  const std::vector<const Variant*> all = variants(traits.kind);
  const auto runs = [&](const Variant* variant) {
    return !variant->is_framework() && !variant->unsupported({.config = config}, traits);
  };
  if (std::count_if(all.begin(), all.end(), runs) == 1 && runs(all.front()))
    labels.insert(labels.begin() + 1, labels.front() + std::string(kRoundingSuffix));
  return labels;
}

std::vector<std::string> known_labels(DeviceKind kind) {
  std::vector<std::string> labels;
  for (const Variant* variant : variants(kind)) {
    labels.emplace_back(variant->name());
    if (variant->is_framework()) continue;
    labels.push_back(labels.back() + std::string(kRoundingSuffix));
  }
  labels.emplace_back(kDenseBound);
  return labels;
}

VariantChoice parse_variant(DeviceKind kind, std::string_view label) {
  if (label == kDenseBound) return {std::string(label), nullptr, false};
  const bool rounded = label.ends_with(kRoundingSuffix);
  std::string_view name = label;
  if (rounded) name.remove_suffix(kRoundingSuffix.size());
  const Variant* variant = find_variant(kind, name);
  if (variant != nullptr) return {std::string(label), variant, rounded};
  std::string known;
  for (const std::string& each : known_labels(kind)) known += (known.empty() ? "" : ", ") + each;
  throw Error(ErrorKind::usage, "unknown variant '" + std::string(label) + "'", "",
              "known: " + known);
}

}  // namespace moe::measure
