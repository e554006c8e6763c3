// Four implementations at the twelve shapes of the paper's sweep, and the tensors that add up to
// them.
#include "model/published/published_memory.h"

#include <array>
#include <string>

#include "moe/error.h"

namespace moe::model {
namespace {

constexpr double kFine = 0.015, kCoarse = 0.05;  // the panels of the plot have different axes

constexpr std::array<PublishedMemory, 48> kBars{{
    {"sonic-1.4b-n256", "SonicMoE", 0.57, kFine},
    {"sonic-1.4b-n256", "MoMoE", 0.99, kFine},
    {"sonic-1.4b-n256", "ScatterMoE", 1.13, kFine},
    {"sonic-1.4b-n256", "Megatron", 1.61, kFine},
    {"sonic-1.4b-n512", "SonicMoE", 0.57, kFine},
    {"sonic-1.4b-n512", "MoMoE", 0.75, kFine},
    {"sonic-1.4b-n512", "ScatterMoE", 0.9, kFine},
    {"sonic-1.4b-n512", "Megatron", 1.13, kFine},
    {"sonic-1.4b-n1024", "SonicMoE", 0.57, kFine},
    {"sonic-1.4b-n1024", "MoMoE", 0.62, kFine},
    {"sonic-1.4b-n1024", "ScatterMoE", 0.78, kFine},
    {"sonic-1.4b-n1024", "Megatron", 0.9, kFine},
    {"sonic-7b-n256", "SonicMoE", 0.61, kFine},
    {"sonic-7b-n256", "MoMoE", 1.11, kFine},
    {"sonic-7b-n256", "ScatterMoE", 1.19, kFine},
    {"sonic-7b-n256", "Megatron", 1.76, kFine},
    {"sonic-7b-n512", "SonicMoE", 0.6, kFine},
    {"sonic-7b-n512", "MoMoE", 0.82, kFine},
    {"sonic-7b-n512", "ScatterMoE", 0.91, kFine},
    {"sonic-7b-n512", "Megatron", 1.19, kFine},
    {"sonic-7b-n1024", "SonicMoE", 0.6, kFine},
    {"sonic-7b-n1024", "MoMoE", 0.68, kFine},
    {"sonic-7b-n1024", "ScatterMoE", 0.77, kFine},
    {"sonic-7b-n1024", "Megatron", 0.91, kFine},
    {"sonic-30b-n256", "SonicMoE", 2.46, kCoarse},
    {"sonic-30b-n256", "MoMoE", 6.25, kCoarse},
    {"sonic-30b-n256", "ScatterMoE", 6.46, kCoarse},
    {"sonic-30b-n256", "Megatron", 12.5, kCoarse},
    {"sonic-30b-n512", "SonicMoE", 2.46, kCoarse},
    {"sonic-30b-n512", "MoMoE", 4.25, kCoarse},
    {"sonic-30b-n512", "ScatterMoE", 4.46, kCoarse},
    {"sonic-30b-n512", "Megatron", 6.5, kCoarse},
    {"sonic-30b-n1024", "SonicMoE", 2.46, kCoarse},
    {"sonic-30b-n1024", "MoMoE", 3.21, kCoarse},
    {"sonic-30b-n1024", "ScatterMoE", 3.46, kCoarse},
    {"sonic-30b-n1024", "Megatron", 4.5, kCoarse},
    {"sonic-120b-n512", "SonicMoE", 4.5, kCoarse},
    {"sonic-120b-n512", "MoMoE", 8.29, kCoarse},
    {"sonic-120b-n512", "ScatterMoE", 8.71, kCoarse},
    {"sonic-120b-n512", "Megatron", 12.75, kCoarse},
    {"sonic-120b-n1024", "SonicMoE", 4.5, kCoarse},
    {"sonic-120b-n1024", "MoMoE", 6.25, kCoarse},
    {"sonic-120b-n1024", "ScatterMoE", 6.71, kCoarse},
    {"sonic-120b-n1024", "Megatron", 8.75, kCoarse},
    {"sonic-120b-n2048", "SonicMoE", 4.5, kCoarse},
    {"sonic-120b-n2048", "MoMoE", 5.21, kCoarse},
    {"sonic-120b-n2048", "ScatterMoE", 5.71, kCoarse},
    {"sonic-120b-n2048", "Megatron", 6.75, kCoarse},
}};

}  // namespace

std::span<const PublishedMemory> published_memory() {
  return kBars;
}

std::string_view published_contents(std::string_view implementation) {
  if (implementation == "SonicMoE") return "X + out + H + weights";
  if (implementation == "MoMoE") return "X + H + Y + weights";
  if (implementation == "ScatterMoE") return "X + H + A + Y + weights";
  if (implementation == "Megatron") return "X + Xe + H + A + Y + weights";
  return "";
}

PublishedParts published_formula(std::string_view implementation, const LayerConfig& config,
                                 std::int64_t tokens) {
  constexpr std::int64_t kBytes = 2;  // bfloat16
  const std::int64_t d = config.hidden_dim, n = config.ffn_dim, rows = tokens * config.top_k;
  PublishedParts parts{.x = kBytes * tokens * d,
                       .h = kBytes * rows * 2 * n,
                       .weights = kBytes * 3 * config.num_experts * d * n};
  const std::int64_t y = kBytes * rows * d, a = kBytes * rows * n;
  if (implementation == "SonicMoE") {
    parts.x *= 2;  // and the output
  } else if (implementation == "MoMoE") {
    parts.rows = y;
  } else if (implementation == "ScatterMoE") {
    parts.a = a;
    parts.rows = y;
  } else if (implementation == "Megatron") {
    parts.a = a;
    parts.rows = 2 * y;
  } else {
    throw Error(ErrorKind::internal, "no formula for '" + std::string(implementation) + "'");
  }
  return parts;
}

}  // namespace moe::model
