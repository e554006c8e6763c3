// Exhaustive search: a few thousand plans per number of GPUs, each a few formulas.
#include "model/step/scaling.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace moe::model {
namespace {

std::vector<std::int64_t> divisors(std::int64_t number, std::int64_t most) {
  std::vector<std::int64_t> found;
  for (std::int64_t value = 1; value <= std::min(number, most); ++value) {
    if (number % value == 0) found.push_back(value);
  }
  return found;
}

std::vector<std::int64_t> choices(std::int64_t wish, std::vector<std::int64_t> free) {
  return wish > 0 ? std::vector{wish} : free;
}

/// Interleaving shortens bubbles and costs memory; four chunks are what published runs use.
std::vector<std::int64_t> virtual_stages(const ParallelPlan& plan, const ModelConfig& model) {
  constexpr std::int64_t kChunks = 4;
  if (plan.pipeline == 1 || plan.schedule != Schedule::one_f_one_b) return {1};
  const std::int64_t most = std::min(kChunks, model.num_layers / plan.pipeline);
  return most > 1 ? std::vector<std::int64_t>{1, most} : std::vector<std::int64_t>{1};
}

void visit_variations(ParallelPlan plan, const TrainingSetup& setup, const PlanWishes& wishes,
                      const std::function<void(const ParallelPlan&)>& visit) {
  const std::vector<int> stages = wishes.zero_stage    ? std::vector{*wishes.zero_stage}
                                  : plan.pipeline == 1 ? std::vector{1, 3}
                                                       : std::vector{1};
  const std::vector<bool> recomputes =
      wishes.recompute ? std::vector{*wishes.recompute} : std::vector{false, true};
  for (std::int64_t micro_batch : choices(wishes.micro_batch, {1, 2, 4})) {
    for (std::int64_t chunks : virtual_stages(plan, setup.model)) {
      for (int zero_stage : stages) {
        for (bool recompute : recomputes) {
          plan.micro_batch = micro_batch;
          plan.virtual_stages = chunks;
          plan.zero_stage = zero_stage;
          plan.recompute = recompute;
          if (!plan_problem(plan, setup.model)) visit(plan);
        }
      }
    }
  }
}

double capacity(const TrainingSetup& setup) {
  return static_cast<double>(setup.gpu.memory_bytes);
}

}  // namespace

void for_each_plan(const TrainingSetup& setup, const PlanWishes& wishes, std::int64_t gpus,
                   const std::function<void(const ParallelPlan&)>& visit) {
  constexpr std::int64_t kMostTensor = 8;
  ParallelPlan plan;
  plan.gpus = gpus;
  plan.global_batch = wishes.global_batch;
  plan.schedule = wishes.schedule;
  const std::int64_t experts = std::max<std::int64_t>(1, setup.model.layer.num_experts);
  for (std::int64_t tensor : choices(wishes.tensor, divisors(gpus, kMostTensor))) {
    for (std::int64_t pipeline : choices(wishes.pipeline, divisors(gpus, setup.model.num_layers))) {
      for (std::int64_t expert : choices(wishes.expert, divisors(experts, gpus / pipeline))) {
        plan.tensor = tensor;
        plan.pipeline = pipeline;
        plan.expert = expert;
        if (gpus % (tensor * pipeline) != 0) continue;
        visit_variations(plan, setup, wishes, visit);
      }
    }
  }
}

PlanResult evaluate(const ParallelPlan& plan, const TrainingSetup& setup,
                    const FactorRange& factors, const std::optional<MeasuredLayer>& measured) {
  PlanResult result;
  result.plan = plan;
  result.memory = plan_memory(plan, setup);
  result.fits = result.memory.total() <= capacity(setup);
  if (!result.fits) return result;
  const auto rate = [&](const Factors& values, StepParts* parts) {
    const StepParts step = step_time(plan, setup, values, measured);
    if (parts != nullptr) *parts = step;
    return tokens_per_s_per_gpu(plan, setup, step);
  };
  result.low = rate(factors.low, nullptr);
  result.base = rate(factors.base, &result.parts);
  result.high = rate(factors.high, nullptr);
  return result;
}

std::optional<PlanResult> best_plan(const TrainingSetup& setup, const PlanWishes& wishes,
                                    std::int64_t gpus, const FactorRange& factors,
                                    const std::optional<MeasuredLayer>& measured) {
  std::optional<ParallelPlan> fastest, smallest;
  double best_rate = 0, least_bytes = std::numeric_limits<double>::infinity();
  for_each_plan(setup, wishes, gpus, [&](const ParallelPlan& plan) {
    const double bytes = plan_memory(plan, setup).total();
    if (bytes < least_bytes) {
      least_bytes = bytes;
      smallest = plan;
    }
    if (bytes > capacity(setup)) return;
    const double rate =
        tokens_per_s_per_gpu(plan, setup, step_time(plan, setup, factors.base, measured));
    if (rate <= best_rate) return;
    best_rate = rate;
    fastest = plan;
  });
  if (!smallest) return std::nullopt;
  return evaluate(fastest ? *fastest : *smallest, setup, factors, measured);
}

std::string why_no_plan(const TrainingSetup& setup, const PlanWishes& wishes, std::int64_t gpus) {
  ParallelPlan plan;  // the wishes, and 1 for what is left free
  plan.gpus = gpus;
  plan.global_batch = wishes.global_batch;
  plan.schedule = wishes.schedule;
  plan.tensor = std::max<std::int64_t>(1, wishes.tensor);
  plan.pipeline = std::max<std::int64_t>(1, wishes.pipeline);
  plan.expert = std::max<std::int64_t>(1, wishes.expert);
  plan.micro_batch = std::max<std::int64_t>(1, wishes.micro_batch);
  return plan_problem(plan, setup.model)
      .value_or("no division of the GPUs, layers and experts meets every wish");
}

double least_memory(const TrainingSetup& setup, const PlanWishes& wishes, std::int64_t gpus) {
  double least = std::numeric_limits<double>::infinity();
  for_each_plan(setup, wishes, gpus, [&](const ParallelPlan& plan) {
    least = std::min(least, plan_memory(plan, setup).total());
  });
  return least;
}

std::optional<std::int64_t> fewest_gpus(const TrainingSetup& setup, const PlanWishes& wishes,
                                        std::int64_t most) {
  const auto fits = [&](std::int64_t gpus) {
    return least_memory(setup, wishes, gpus) <= capacity(setup);
  };
  std::int64_t upper = 1;
  while (upper <= most && !fits(upper)) upper *= 2;
  if (upper > most) return std::nullopt;
  constexpr std::int64_t kNode = 8, kTries = 16;
  const std::int64_t lower = upper / 2;
  const std::int64_t stride = std::max(kNode, (upper - lower) / kTries / kNode * kNode);
  for (std::int64_t gpus = lower + stride; gpus < upper; gpus += stride) {
    if (fits(gpus)) return gpus;
  }
  return upper;
}

}  // namespace moe::model
