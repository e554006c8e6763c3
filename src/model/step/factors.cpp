// The list of factors. The fitted ones are those that `throughput validate` finds
// again (docs/measurement.md).
#include "model/step/factors.h"

#include <array>
#include <string>
#include <vector>

#include "config/nearest_name.h"
#include "moe/error.h"

namespace moe::model {
namespace {

constexpr const char* kFitted = "fitted on four published runs";

constexpr std::array kRules{
    FactorRule{"kernel_efficiency", &Factors::kernel_efficiency, 0.58, 0.65, 0.70,
               "expert GEMMs of this suite on an H200: 0.62 to 0.68 (docs/hopper_notes.md)"},
    FactorRule{"gemm_efficiency", &Factors::gemm_efficiency, 0.43, 0.50, 0.60, kFitted},
    FactorRule{"fp8_gain", &Factors::fp8_gain, 1.00, 1.05, 1.40, kFitted},
    FactorRule{"attention_efficiency", &Factors::attention_efficiency, 0.40, 0.50, 0.60,
               "FlashAttention-3 forward reaches 0.65 of the H100's peak, backward 0.5"},
    FactorRule{"memory_efficiency", &Factors::memory_efficiency, 0.80, 0.85, 0.90,
               "copies on H100 and H200 reach 0.88 to 0.90 of the datasheet"},
    FactorRule{"traffic", &Factors::traffic, 4.5, 3.0, 1.5,
               "a judgement: casts, quantisation and copies that a framework adds"},
    FactorRule{"layer_passes", &Factors::layer_passes, 40, 30, 20,
               "a count by hand: norms, residuals, rotary positions, both directions"},
    FactorRule{"network_efficiency", &Factors::network_efficiency, 0.65, 0.80, 0.90,
               "H100 all-reduce of 1 GiB: 329 to 361 of 450 GB/s; DeepEP: 43 to 58 of 50 GB/s"},
    FactorRule{"launch_latency_s", &Factors::launch_latency_s, 40e-6, 20e-6, 10e-6,
               "small collectives of NCCL"},
    FactorRule{"all_to_all_overlap", &Factors::all_to_all_overlap, 0, 0.38, 0.70, kFitted},
    FactorRule{"reduction_overlap", &Factors::reduction_overlap, 0.6, 0.8, 0.95,
               "a judgement: gradient buckets are reduced behind the backward pass"},
    FactorRule{"host_s", &Factors::host_s, 20e-3, 16.4e-3, 10e-3, kFitted},
    FactorRule{"loop_expert_s", &Factors::loop_expert_s, 0.75e-3, 0.55e-3, 0.45e-3,
               "PyTorch loops of 8 to 256 experts on H100 and H200: 0.55 to 0.95 ms per expert"},
    FactorRule{"graph_share", &Factors::graph_share, 0.6, 0.4, 0.2,
               "a judgement: permutation and dispatch often stay outside graphs"},
    FactorRule{"layer_latency_s", &Factors::layer_latency_s, 60e-6, 40e-6, 20e-6,
               "about ten kernels of 2 to 6 us each"},
    FactorRule{"imbalance", &Factors::imbalance, 1.20, 1.05, 1.00,
               "MaxVio 0.04 with bias balancing (arXiv 2408.15664); 1 when force-balanced"},
};

Factors factors_of(double FactorRule::*value) {
  Factors factors{};
  for (const FactorRule& rule : kRules) factors.*rule.member = rule.*value;
  return factors;
}

/// What a factor may be, and how that is said.
struct Bounds {
  double least, most;
  bool least_is_allowed;
  const char* words;
};

Bounds bounds_of(std::string_view name) {
  constexpr double kAnyMultiple = 1e6;
  if (name.ends_with("_overlap")) return {0, 1, true, "an overlap lies in [0, 1]"};
  if (name.ends_with("_efficiency") || name == "graph_share") {
    return {0, 1, false, "a share lies in (0, 1]"};
  }
  if (name == "traffic" || name == "imbalance") {
    return {1, kAnyMultiple, true, "it is a multiple of the least possible: at least 1"};
  }
  return {0, kAnyMultiple, false, "it must be above 0"};
}

bool holds(double value, const Bounds& bounds) {
  return (value > bounds.least || (bounds.least_is_allowed && value == bounds.least)) &&
         value <= bounds.most;
}

}  // namespace

std::span<const FactorRule> factor_rules() {
  return kRules;
}

FactorRange default_factors() {
  return {factors_of(&FactorRule::low), factors_of(&FactorRule::base),
          factors_of(&FactorRule::high)};
}

void set_factor(FactorRange& factors, std::string_view name, double value) {
  std::vector<std::string> known;
  for (const FactorRule& rule : kRules) {
    known.emplace_back(rule.name);
    if (rule.name != name) continue;
    const Bounds bounds = bounds_of(name);
    if (!holds(value, bounds)) {
      throw Error(ErrorKind::usage, std::string(name) + " " + std::to_string(value), bounds.words,
                  "`throughput factors` prints usual values");
    }
    factors.low.*rule.member = factors.base.*rule.member = factors.high.*rule.member = value;
    return;
  }
  throw Error(ErrorKind::usage, config::unknown_name("factor", name, known), "",
              "known: " + config::listed(known));
}

}  // namespace moe::model
