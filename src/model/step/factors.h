// Everything that datasheets and formulas do not say: efficiencies, overlaps, overheads. Each has a
// value for a low, a base and a high throughput, so that every modelled result is a range.
#pragma once

#include <span>
#include <string_view>

namespace moe::model {

struct Factors {
  double kernel_efficiency;     // expert GEMMs of one layer alone, share of the datasheet peak
  double gemm_efficiency;       // GEMMs inside a whole training step, share of the datasheet peak
  double fp8_gain;              // how much faster 8-bit GEMMs are, conversions included
  double attention_efficiency;  // attention scores, share of the bf16 peak
  double memory_efficiency;     // large passes, share of the datasheet bandwidth
  double traffic;               // bytes that a framework moves per byte that the plan needs
  double layer_passes;        // passes over [T, d] outside GEMMs, attention block, both directions
  double network_efficiency;  // large messages, share of the datasheet bandwidth
  double launch_latency_s;    // of each collective
  double all_to_all_overlap;  // share of expert exchanges hidden behind arithmetic
  double reduction_overlap;   // the same of gradient reduction and weight gathering
  double host_s;              // host work to launch one layer, forward and backward, of an eager
                              // framework: a layer cannot be faster
  double loop_expert_s;       // vanilla: the host's work for one expert, forward and backward
  double graph_share;         // share of host_s that is left with CUDA graphs or a compiler
  double layer_latency_s;     // serving: start-up of one layer's kernels in a CUDA graph
  double imbalance;           // busiest expert rank / mean
};

/// A factor's name, values and where they come from; also the list that docs and --set follow.
struct FactorRule {
  std::string_view name;
  double Factors::*member;
  double low, base, high;  // of throughput: low is the pessimistic value
  std::string_view source;
};
std::span<const FactorRule> factor_rules();

struct FactorRange {
  Factors low, base, high;
};
FactorRange default_factors();

/// Sets one factor in all three cases. Throws Error{usage} with the nearest name, or for a value
/// without meaning: shares lie in (0, 1], overlaps in [0, 1], multiples are at least 1, and all
/// others are above 0.
void set_factor(FactorRange& factors, std::string_view name, double value);

}  // namespace moe::model
