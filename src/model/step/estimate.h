// What `throughput` answers: rates, cost and memory per variant at three scopes, the numbers of
// GPUs that a model needs, and how it scales.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/step/cost.h"
#include "model/step/scaling.h"
#include "model/step/serving.h"

namespace moe::model {

enum class Workload { train, prefill, decode };

constexpr std::string_view name_of(Workload workload) {
  switch (workload) {
    case Workload::train: return "train";
    case Workload::prefill: return "prefill";
    case Workload::decode: return "decode";
  }
  return "?";
}

enum class Scope {
  layer,       // one MoE layer, each GPU for itself
  moe_layers,  // all MoE layers of the model one after another, each GPU for itself
  model,       // attention, dense layers, embedding, optimiser, exchanges: everything
};

constexpr std::string_view name_of(Scope scope) {
  switch (scope) {
    case Scope::layer: return "layer";
    case Scope::moe_layers: return "moe_layers";
    case Scope::model: return "model";
  }
  return "?";
}

struct EstimateRequest {
  Workload workload = Workload::train;
  TrainingSetup training;  // its model.tokens() enter the layer scope; `variant` is not used
  ServingSetup serving;    // model, GPU and network as in `training`; `variant` is not used
  std::vector<std::string> variants;
  std::string baseline;
  std::vector<std::int64_t> gpus;     // asked for; the first is that of the layer scope
  std::vector<std::int64_t> scaling;  // numbers of GPUs for scaling
  PlanWishes wishes;
  FactorRange factors = default_factors();
  CostRules cost;  // without gpus
  /// By variant, on one GPU of that kind. A layer that trained stands in no row of serving, nor the
  /// other way round; in serving, where weights are most of what is read, the tokens must be the
  /// same too.
  std::map<std::string, MeasuredLayer> measured;
};

/// One variant at one scope on one number of GPUs.
struct EstimateRow {
  Scope scope = Scope::layer;
  std::string variant;
  std::int64_t gpus = 1;
  Origin origin = Origin::modelled;        // of the rates: measured only where that was run
  Origin layer_origin = Origin::modelled;  // of the MoE layer's time that they are made of
  bool fits = false;
  double memory_bytes = 0;             // on the fullest GPU
  double low = 0, base = 0, high = 0;  // tokens/s per GPU; 0 when it does not fit
  double utilization = 0;              // of the bf16 datasheet peak, base case
  /// Of GPU-hours, against the baseline's row; below 0 = more. Nothing where that does not fit, or
  /// where one of the two is measured and the other modelled.
  std::optional<double> saving;
  Cost low_cost, cost, high_cost;  // of the three rates
  std::string plan;                // how it is spread, of the model scope
};

struct Estimate {
  std::vector<EstimateRow> rows;       // layer, moe_layers, then model by number of GPUs
  std::optional<std::int64_t> fewest;  // GPUs that hold the whole model; nothing = unknown
  /// The last variant: model scope, or the layer over expert-parallel ranks where no model is
  /// known.
  std::vector<EstimateRow> scaling;
  std::optional<PlanResult> training_plan;  // of the last model row that fits
  std::optional<ServingResult> serving_plan;
};

/// Throws Error{usage} for a request without meaning, Error{internal} for a rate above the
/// datasheet.
Estimate estimate(const EstimateRequest& request);

/// Tokens that enter one layer at once: the model's batch; at decode one per sequence, 128 unless
/// the number of sequences is given.
std::int64_t layer_tokens(const EstimateRequest& request);

/// FLOP of one token in the workload: training three forward passes, serving one.
double flops_per_token(const EstimateRequest& request);

}  // namespace moe::model
