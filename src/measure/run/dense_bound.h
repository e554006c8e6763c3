// `dense_bound`: the bar for the expert products of every variant. The same FLOPs as dense batched
// GEMMs of the device's own library, perfectly balanced, without routing, gather, activation or
// sum. Not an MoE layer: it computes nothing that could be verified.
#pragma once

#include <cstdint>
#include <vector>

#include "measure/problem/device_buffer.h"
#include "measure/problem/problem.h"
#include "measure/run/sampler.h"
#include "measure/run/trial.h"
#include "measure/run/turn.h"
#include "moe/device.h"

namespace moe::measure {

/// Where a product reads and writes; rows stand for what a layer would have gathered or computed.
enum class DenseOperand { rows, weight, gradient };

struct DenseProduct {
  BatchedProduct shape;  // pointers still null
  DenseOperand b = DenseOperand::rows, c = DenseOperand::rows;
  bool shared = false;  // the shared expert's weights, not the routed experts'
  bool down = false;    // w_down or its gradient, not w_up
  bool backward = false;
};

/// up, down, and in backward d_act, d_x, d_w_down, d_w_up; the same for a shared expert. Every
/// routed expert has ceil(pairs / E) rows; `pairs` is T*K, or what one rank receives.
std::vector<DenseProduct> dense_products(const LayerConfig& config, std::int64_t tokens,
                                         std::int64_t pairs, bool backward);

/// Pairs that dense_products() computes: E * ceil(pairs / E).
std::int64_t dense_pairs(const LayerConfig& config, std::int64_t pairs);

/// Memory of the workbench's regions that the largest product needs for its rows.
std::size_t dense_region_bytes(const LayerConfig& config, std::int64_t tokens, std::int64_t pairs,
                               bool backward, const DeviceTraits& traits);

/// Runs the products in memory of the comparison: weights and gradients where the layer has them,
/// rows in the regions.
class DenseBound {
 public:
  DenseBound(Device& device, const LayerConfig& config, std::int64_t tokens, std::int64_t pairs,
             bool backward, const Problem& problem, const Workbench& workbench);

  /// Every product alone, settled, by the device's clock and with its cold caches, on fresh random
  /// rows; the i-th samples of all are summed by phase.
  std::vector<PassSeconds> run(const TurnPace& pace);

 private:
  BatchedProduct place(const DenseProduct& product);

  Device& device_;
  std::vector<DenseProduct> products_;
  const Problem& problem_;
  const Workbench& workbench_;
};

}  // namespace moe::measure
