// Least squares by coordinate search: four factors, four runs, thousands of cheap evaluations.
#include "model/published/validation.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "model/layer/layer_cost.h"
#include "moe/error.h"

namespace moe::model {
namespace {

constexpr std::array<std::string_view, 4> kFitted{"gemm_efficiency", "fp8_gain",
                                                  "all_to_all_overlap", "host_s"};

double modelled(const PublishedRun& run, Factors factors, StepParts* parts = nullptr) {
  if (run.balanced) factors.imbalance = 1;
  const StepParts step = step_time(run.plan, run.setup, factors);
  if (parts != nullptr) *parts = step;
  return tokens_per_s_per_gpu(run.plan, run.setup, step);
}

/// Kernels alone: a layer measured by itself moves what its plan says and no framework's share.
double modelled(const PublishedLayer& layer, const Factors& factors) {
  const LayerTimes times = roofline(layer.variant, layer.config, layer.tokens, true,
                                    {kernel_rates(layer.gpu, factors), 1, factors.loop_expert_s});
  const LayerFlops flops =
      layer_flops(layer.config, layer.tokens, layer.tokens * layer.config.top_k);
  return layer.forward ? flops.forward / times.forward_s : flops.backward / times.backward_s;
}

double squared_error(const std::vector<PublishedRun>& runs, const Factors& factors) {
  double sum = 0;
  for (const PublishedRun& run : runs) {
    if (!run.fit) continue;
    const double distance = std::log(modelled(run, factors) / run.tokens_per_s_per_gpu);
    sum += distance * distance;
  }
  return sum;
}

/// A factor cannot leave the span of its shipped low and high values: outside it means nothing.
double within_span(const FactorRule& rule, double value) {
  return std::clamp(value, std::min(rule.low, rule.high), std::max(rule.low, rule.high));
}

}  // namespace

std::vector<std::string_view> fitted_factors() {
  return {kFitted.begin(), kFitted.end()};
}

Factors fit(const std::vector<PublishedRun>& runs, const Factors& start) {
  if (std::none_of(runs.begin(), runs.end(), [](const PublishedRun& run) { return run.fit; })) {
    throw Error(ErrorKind::usage, "no run to fit on", "", "mark some runs with fit = true");
  }
  Factors best = start;
  double error = squared_error(runs, best);
  for (double step = 0.2; step > 1e-4;) {
    bool improved = false;
    for (const FactorRule& rule : factor_rules()) {
      if (std::find(kFitted.begin(), kFitted.end(), rule.name) == kFitted.end()) continue;
      const double span = std::abs(rule.high - rule.low);
      for (const double move : {step * span, -step * span}) {
        Factors tried = best;
        tried.*rule.member = within_span(rule, best.*rule.member + move);
        const double tried_error = squared_error(runs, tried);
        if (tried_error >= error) continue;
        best = tried;
        error = tried_error;
        improved = true;
      }
    }
    if (!improved) step /= 2;
  }
  return best;
}

Validation validate(const PublishedPoints& points, const FactorRange& factors) {
  Validation validation;
  for (const PublishedRun& run : points.runs) {
    PointResult result{run.name, run.source, run.assumed, "tokens/s per GPU"};
    result.published = run.tokens_per_s_per_gpu;
    result.low = modelled(run, factors.low);
    result.base = modelled(run, factors.base, &result.parts);
    result.high = modelled(run, factors.high);
    result.fitted = run.fit;
    validation.points.push_back(result);
  }
  for (const PublishedLayer& layer : points.layers) {
    PointResult result{layer.name, layer.source, "", "TFLOP/s"};
    result.published = layer.flops_per_s / 1e12;
    result.low = modelled(layer, factors.low) / 1e12;
    result.base = modelled(layer, factors.base) / 1e12;
    result.high = modelled(layer, factors.high) / 1e12;
    validation.points.push_back(result);
  }
  for (const PointResult& point : validation.points) {
    validation.good += point.is_good() ? 1 : 0;
    if (point.fitted) continue;
    ++validation.judged;
    validation.judged_good += point.is_good() ? 1 : 0;
  }
  return validation;
}

}  // namespace moe::model
