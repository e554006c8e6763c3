// From a number of GPUs to the best parallel plan, and from a model to the fewest GPUs that hold
// it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/step/step_time.h"

namespace moe::model {

/// A plan with its memory and, when it fits, its rates.
struct PlanResult {
  ParallelPlan plan;
  MemoryParts memory;
  bool fits = false;
  double low = 0, base = 0, high = 0;  // tokens/s per GPU; 0 when it does not fit
  StepParts parts;                     // base case
};

/// What the search may not change; 0 = free.
struct PlanWishes {
  std::int64_t tensor = 0, pipeline = 0, expert = 0, micro_batch = 0;
  std::int64_t global_batch = 4096;  // sequences of a step
  std::optional<int> zero_stage;
  std::optional<bool> recompute;
  Schedule schedule = Schedule::one_f_one_b;
};

/// Calls `visit` with every plan for `gpus` that plan_problem() accepts: tensor groups inside a
/// node, divisors of `gpus` as stages, expert groups that divide experts and stages, 1 to 4
/// sequences per micro-batch, with and without recomputation.
void for_each_plan(const TrainingSetup& setup, const PlanWishes& wishes, std::int64_t gpus,
                   const std::function<void(const ParallelPlan&)>& visit);

/// Memory and rates of one plan.
PlanResult evaluate(const ParallelPlan& plan, const TrainingSetup& setup,
                    const FactorRange& factors, const std::optional<MeasuredLayer>& measured);

/// The fastest plan (base case) that fits, or the one of least memory (fits = false). Nothing when
/// no plan is possible at all.
std::optional<PlanResult> best_plan(const TrainingSetup& setup, const PlanWishes& wishes,
                                    std::int64_t gpus, const FactorRange& factors,
                                    const std::optional<MeasuredLayer>& measured = std::nullopt);

/// What stands in the way of every plan for `gpus`, where for_each_plan() visits none.
std::string why_no_plan(const TrainingSetup& setup, const PlanWishes& wishes, std::int64_t gpus);

/// Least bytes per GPU of any plan for `gpus`; infinity when none is possible.
double least_memory(const TrainingSetup& setup, const PlanWishes& wishes, std::int64_t gpus);

/// Fewest GPUs for which some plan fits, up to `most`: powers of two, then whole nodes between the
/// last that failed and the first that fits. Nothing when none fits.
std::optional<std::int64_t> fewest_gpus(const TrainingSetup& setup, const PlanWishes& wishes,
                                        std::int64_t most = 16'384);

}  // namespace moe::model
