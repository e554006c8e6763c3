// Time of one MoE layer from its plan: each step takes the longer of its arithmetic and its bytes.
#pragma once

#include <cstdint>
#include <string>

#include "model/layer/work.h"
#include "model/step/factors.h"
#include "moe/variant.h"

namespace moe::model {

enum class Origin { measured, modelled, published };

constexpr std::string_view name_of(Origin origin) {
  switch (origin) {
    case Origin::measured: return "measured";
    case Origin::modelled: return "modelled";
    case Origin::published: return "published";
  }
  return "?";
}

/// One layer on one GPU.
struct LayerTimes {
  double forward_s = 0, backward_s = 0;
  Origin origin = Origin::modelled;

  double total_s() const { return forward_s + backward_s; }
};

/// What a GPU gives to kernels inside a training step. Throws Error{usage} for 8-bit arithmetic
/// that the GPU lacks.
Rates gpu_rates(const GpuPreset& gpu, const Factors& factors, bool fp8);
/// The same to the kernels of one layer by themselves, bfloat16.
Rates kernel_rates(const GpuPreset& gpu, const Factors& factors);

/// The plan of `variant` ("sonic", "grouped_gemm+rounding") for a GPU, as its backend makes it but
/// without kernel scratch. `training` false: forward only. Throws Error{usage} for another name.
Plan plan_of(const std::string& variant, const LayerConfig& config, std::int64_t tokens,
             bool training);

/// The share of one expert-parallel rank: E / ranks experts and the T*K rows that balanced routing
/// sends it. `ranks` must divide E.
LayerConfig rank_share(const LayerConfig& config, std::int64_t ranks);

/// How fast steps run, and what a loop over experts costs the host.
struct LayerRates {
  Rates gpu;
  double traffic = 1;        // bytes moved per byte that the plan needs
  double loop_expert_s = 0;  // of vanilla, per expert, forward and backward
};

/// Roofline of the steps of `variant`'s plan. Rows of variants without rounding fill tiles of 128
/// rows only in part, on average 127 / 2 rows per expert less. `vanilla` makes grouped_gemm's
/// passes expert by expert, and the host's work for each comes on top.
LayerTimes roofline(const std::string& variant, const LayerConfig& config, std::int64_t tokens,
                    bool training, const LayerRates& rates);

/// Rows that partly filled tiles add to `rows`, as a share of them: E (tile - 1) / (2 rows).
double tile_waste(std::int64_t num_experts, std::int64_t tile, double rows);

}  // namespace moe::model
