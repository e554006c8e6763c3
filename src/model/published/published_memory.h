// The activation memory that the SonicMoE paper publishes (arXiv 2512.14080, figure of activation
// memory per layer), and what it contains. The figure has no formula; the ones here reproduce it
// within the error of reading it off the picture. All of them contain the layer's three expert
// matrices, so the published reductions are smaller than those of the activations alone.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "moe/config.h"

namespace moe::model {

/// One bar of the figure, read off its picture.
struct PublishedMemory {
  std::string_view preset;  // "sonic-7b-n256"
  std::string_view implementation;
  double gib = 0;
  double reading_error_gib = 0;
};

/// Implementations whose bars a formula explains: SonicMoE, MoMoE, ScatterMoE, Megatron.
std::span<const PublishedMemory> published_memory();
inline constexpr const char* kPublishedMemorySource =
    "arXiv 2512.14080, activation memory per layer, read off the plot: +-0.015 GiB below 3, +-0.05 "
    "above";

/// What a bar is made of, bfloat16: multiples of these tensors.
struct PublishedParts {
  std::int64_t x = 0;        // [T, d], and others of that shape
  std::int64_t h = 0;        // [TK, 2n]
  std::int64_t a = 0;        // [TK, n]
  std::int64_t rows = 0;     // [TK, d]: gathered X, Y
  std::int64_t weights = 0;  // 3 E d n

  std::int64_t total() const { return x + h + a + rows + weights; }
  std::int64_t activations() const { return total() - weights; }
};

/// "X + out + H + weights" of SonicMoE.
std::string_view published_contents(std::string_view implementation);

/// Bytes of these tensors. Throws Error{internal} for an implementation that is not in the list.
PublishedParts published_formula(std::string_view implementation, const LayerConfig& config,
                                 std::int64_t tokens);

}  // namespace moe::model
