// Time of one training step of a parallel plan, part by part.
#pragma once

#include <optional>

#include "model/layer/layer_time.h"
#include "model/layer/plan_memory.h"
#include "model/step/factors.h"

namespace moe::model {

/// Seconds of one optimiser step on one rank; parts add up to the total.
struct StepParts {
  double moe = 0;              // MoE layers, without exchanges
  double attention = 0;        // projections and scores
  double dense = 0;            // dense layers and output projection
  double passes = 0;           // norms, residuals, casts
  double recompute = 0;        // forward passes run again
  double all_to_all = 0;       // exposed expert exchanges
  double tensor_exchange = 0;  // gathers and scatters of tensor parallelism
  double imbalance = 0;        // waiting for the busiest expert rank
  double host = 0;             // GPU waiting for launches
  double bubble = 0;           // empty pipeline slots
  double reduction = 0;        // exposed gradient reduction and weight gathering
  double optimizer = 0;

  double total() const;
};

/// A time of one whole MoE layer that was measured with `tokens` tokens and all experts on one GPU:
/// it takes the place of the roofline, scaled by tokens, without expert parallelism's smaller
/// share of weights.
struct MeasuredLayer {
  LayerTimes times;
  std::int64_t tokens = 0;
  bool training = true;  // false: forward alone, which keeps nothing for a backward
};

/// A plan that plan_problem() accepts, whether it fits or not.
StepParts step_time(const ParallelPlan& plan, const TrainingSetup& setup, const Factors& factors,
                    const std::optional<MeasuredLayer>& measured = std::nullopt);

/// Tokens per second and GPU. Throws Error{internal} when that would need more than the datasheet's
/// arithmetic.
double tokens_per_s_per_gpu(const ParallelPlan& plan, const TrainingSetup& setup,
                            const StepParts& step);

/// FLOP of training one token, recomputation not counted: 3 forward passes, causal attention.
double training_flops_per_token(const ModelConfig& model);

}  // namespace moe::model
