// Rows from plans: one GPU at layer scope, the best parallel plan at model scope.
#include "model/estimate.h"

#include <algorithm>

#include "model/layer_cost.h"
#include "model/model_parts.h"
#include "moe/error.h"

namespace moe::model {
namespace {

class Estimator {
 public:
  explicit Estimator(const EstimateRequest& request)
      : request_(request), model_(request.training.model) {}

  Estimate run() {
    if (model_.num_moe_layers() > 0) add_layer_rows();
    if (is_whole_model(model_)) {
      result_.fewest = fewest();
      add_model_rows();
    }
    add_savings(result_.rows);
    return result_;
  }

 private:
  bool trains() const { return request_.workload == Workload::train; }

  // ---- one layer -------------------------------------------------------------------------------

  /// Tokens that enter one layer at once: of a decode step, one per sequence.
  std::int64_t layer_tokens() const {
    if (request_.workload != Workload::decode) return model_.tokens();
    return std::max<std::int64_t>(
        1, request_.serving.sequences > 0 ? request_.serving.sequences : 128);
  }

  LayerTimes layer_times(const std::string& variant, const Factors& factors) const {
    const auto measured = request_.measured.find(variant);
    LayerTimes times;
    if (measured != request_.measured.end()) {
      const double scale =
          static_cast<double>(layer_tokens()) / static_cast<double>(measured->second.tokens);
      times = measured->second.times;
      times.forward_s *= scale;
      times.backward_s *= scale;
    } else {
      times = roofline(variant, model_.layer, layer_tokens(), trains(),
                       {kernel_rates(request_.training.gpu, factors), 1, factors.loop_expert_s});
    }
    if (!trains()) times.backward_s = 0;
    return times;
  }

  double layer_bytes(const Plan& plan) const {
    const double weights = static_cast<double>(weight_bytes(model_.layer));
    const double x = static_cast<double>(layer_tokens() * model_.layer.hidden_dim) * 2;
    return weights + static_cast<double>(plan.saved_bytes + plan.workspace_bytes) + 2 * x +
           (trains() ? static_cast<double>(gradient_bytes(model_.layer)) + 2 * x : 0) +
           reserved_bytes(request_.training.gpu);
  }

  EstimateRow layer_row(const std::string& variant) const {
    const Plan plan = plan_of(variant, model_.layer, layer_tokens(), trains());
    EstimateRow row;
    row.variant = variant;
    row.gpus = request_.gpus.front();
    row.memory_bytes = layer_bytes(plan);
    row.fits = row.memory_bytes <= static_cast<double>(request_.training.gpu.memory_bytes);
    const auto rate = [&](const Factors& factors) {
      return static_cast<double>(layer_tokens()) / layer_times(variant, factors).total_s();
    };
    row.low = rate(request_.factors.low);
    row.base = rate(request_.factors.base);
    row.high = rate(request_.factors.high);
    row.origin = layer_times(variant, request_.factors.base).origin;
    const double flops =
        (trains() ? 3 : 1) * layer_flops(model_.layer, 1, model_.layer.top_k).forward;
    finish(row, flops);
    return row;
  }

  void add_layer_rows() {
    std::vector<EstimateRow> layers;
    for (const std::string& variant : request_.variants) layers.push_back(layer_row(variant));
    for (const EstimateRow& row : layers) result_.rows.push_back(row);
    const double count = static_cast<double>(model_.num_moe_layers());
    if (count < 2) return;
    for (EstimateRow row : layers) {
      row.scope = Scope::moe_layers;
      row.low /= count;
      row.base /= count;
      row.high /= count;
      const double flops =
          count * (trains() ? 3 : 1) * layer_flops(model_.layer, 1, model_.layer.top_k).forward;
      finish(row, flops);
      result_.rows.push_back(row);
    }
  }

  // ---- whole model -----------------------------------------------------------------------------

  std::optional<std::int64_t> fewest() const {
    if (trains()) {
      TrainingSetup setup = request_.training;
      setup.variant = request_.variants.back();
      return fewest_gpus(setup, request_.wishes);
    }
    return fewest_serving_gpus(serving_setup(request_.variants.back()));
  }

  ServingSetup serving_setup(const std::string& variant) const {
    ServingSetup setup = request_.serving;
    setup.variant = variant;
    return setup;
  }

  EstimateRow model_row(const std::string& variant, std::int64_t gpus) {
    EstimateRow row;
    row.scope = Scope::model;
    row.variant = variant;
    row.gpus = gpus;
    if (trains()) {
      fill_training(row);
    } else {
      fill_serving(row);
    }
    finish(row, flops_per_token(request_));
    return row;
  }

  void fill_training(EstimateRow& row) {
    TrainingSetup setup = request_.training;
    setup.variant = row.variant;
    setup.graphs = setup.graphs && row.variant != "vanilla";  // it waits for the device
    std::optional<MeasuredLayer> measured;
    const auto found = request_.measured.find(row.variant);
    if (found != request_.measured.end()) measured = found->second;
    const auto best = best_plan(setup, request_.wishes, row.gpus, request_.factors, measured);
    if (!best) {
      row.plan = "no plan is possible";
      return;
    }
    row.fits = best->fits;
    row.memory_bytes = best->memory.total();
    row.low = best->low;
    row.base = best->base;
    row.high = best->high;
    row.plan = plan_text(best->plan);
    if (best->fits) result_.training_plan = best;
  }

  void fill_serving(EstimateRow& row) {
    const ServingResult best = best_serving(serving_setup(row.variant), row.gpus, request_.factors);
    row.fits = best.fits;
    row.memory_bytes = best.memory.total();
    row.low = best.low;
    row.base = best.base;
    row.high = best.high;
    row.plan = "EP " + std::to_string(best.plan.expert) + ", TP " +
               std::to_string(best.plan.tensor) + "; " + std::to_string(best.plan.sequences) +
               " sequences per group";
    if (best.fits) result_.serving_plan = best;
  }

  void add_model_rows() {
    for (std::int64_t gpus : request_.scaling) {
      result_.scaling.push_back(model_row(request_.variants.back(), gpus));
    }
    std::vector<std::int64_t> counts = request_.gpus;
    const bool none_fits = std::none_of(counts.begin(), counts.end(), [&](std::int64_t gpus) {
      return model_row(request_.variants.back(), gpus).fits;
    });
    if (none_fits && result_.fewest) counts.push_back(*result_.fewest);
    for (std::int64_t gpus : counts) {
      for (const std::string& variant : request_.variants) {
        result_.rows.push_back(model_row(variant, gpus));
      }
    }
  }

  // ---- derived columns -------------------------------------------------------------------------

  void finish(EstimateRow& row, double flops) const {
    if (!row.fits || row.base <= 0) {
      row.low = row.base = row.high = 0;
      row.cost = row.low_cost = row.high_cost = Cost{};
      return;
    }
    CostRules rules = request_.cost;
    rules.gpus = row.gpus;
    row.low_cost = cost_of(row.low, rules);
    row.cost = cost_of(row.base, rules);
    row.high_cost = cost_of(row.high, rules);
    // 8-bit runs are judged by the 16-bit peak, as DeepSeek does, but may reach the 8-bit one.
    const GpuPreset& gpu = request_.training.gpu;
    utilization(row.high, flops, std::max(gpu.bf16_flops_per_s, gpu.fp8_flops_per_s));
    row.utilization = row.base * flops / gpu.bf16_flops_per_s;
  }

  void add_savings(std::vector<EstimateRow>& rows) const {
    for (EstimateRow& row : rows) {
      const auto baseline = std::find_if(rows.begin(), rows.end(), [&](const EstimateRow& other) {
        return other.scope == row.scope && other.gpus == row.gpus &&
               other.variant == request_.baseline;
      });
      if (baseline == rows.end() || !baseline->fits || !row.fits) continue;
      row.saving = 1 - row.cost.gpu_hours / baseline->cost.gpu_hours;
    }
  }

  const EstimateRequest& request_;
  const ModelConfig& model_;
  Estimate result_;
};

}  // namespace

double flops_per_token(const EstimateRequest& request) {
  const ModelConfig& model = request.training.model;
  if (request.workload == Workload::train) return training_flops_per_token(model);
  const double context = static_cast<double>(request.serving.context);
  return forward_flops(model, request.workload == Workload::decode ? context : context / 2).total();
}

Estimate estimate(const EstimateRequest& request) {
  if (request.variants.empty() || request.gpus.empty()) {
    throw Error(ErrorKind::usage, "nothing to estimate", "", "give variants and numbers of GPUs");
  }
  check_network(request.training.network);
  return Estimator(request).run();
}

}  // namespace moe::model
