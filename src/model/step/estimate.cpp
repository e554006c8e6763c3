// Rows from plans: one GPU at layer scope, the best parallel plan at model scope.
#include "model/step/estimate.h"

#include <algorithm>

#include "model/layer/expert_layer.h"
#include "model/layer/layer_cost.h"
#include "model/layer/model_parts.h"
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
    } else if (model_.num_moe_layers() > 0 && trains()) {
      add_layer_scaling();
    }
    add_savings(result_.rows);
    return result_;
  }

 private:
  bool trains() const { return request_.workload == Workload::train; }

  // ---- one layer -------------------------------------------------------------------------------

  std::int64_t tokens() const { return layer_tokens(request_); }

  /// The measurement that a variant's rows stand on; nothing where they are modelled.
  std::optional<MeasuredLayer> measured_layer(const std::string& variant) const {
    const auto found = request_.measured.find(variant);
    if (found == request_.measured.end() || found->second.training != trains()) return std::nullopt;
    if (!trains() && found->second.tokens != tokens()) return std::nullopt;
    return found->second;
  }

  LayerTimes layer_times(const std::string& variant, const Factors& factors) const {
    const auto measured = measured_layer(variant);
    if (!measured) {
      return roofline(variant, model_.layer, tokens(), trains(),
                      {kernel_rates(request_.training.gpu, factors), 1, factors.loop_expert_s});
    }
    const double scale = static_cast<double>(tokens()) / static_cast<double>(measured->tokens);
    return {measured->times.forward_s * scale, measured->times.backward_s * scale,
            scale == 1 ? Origin::measured : Origin::modelled};
  }

  /// On one of `ranks` that share the experts.
  double layer_bytes(const std::string& variant, std::int64_t ranks) const {
    const LayerConfig share = rank_share(model_.layer, ranks);
    const Plan plan = plan_of(variant, share, tokens(), trains());
    const double x = static_cast<double>(tokens() * share.hidden_dim) * 2;
    const double exchange = ranks > 1 ? 2 * x * static_cast<double>(share.top_k) : 0;
    return static_cast<double>(weight_bytes(share)) +
           static_cast<double>(plan.saved_bytes + plan.workspace_bytes) + 2 * x + exchange +
           (trains() ? static_cast<double>(gradient_bytes(share)) + 2 * x : 0) +
           reserved_bytes(request_.training.gpu);
  }

  bool fits(const EstimateRow& row) const {
    return row.memory_bytes <= static_cast<double>(request_.training.gpu.memory_bytes);
  }

  double layer_flops_per_token() const {
    return (trains() ? 3 : 1) * layer_flops(model_.layer, 1, model_.layer.top_k).forward;
  }

  EstimateRow layer_row(const std::string& variant) const {
    EstimateRow row;
    row.variant = variant;
    row.gpus = request_.gpus.front();
    row.memory_bytes = layer_bytes(variant, 1);
    row.fits = fits(row);
    const auto rate = [&](const Factors& factors) {
      return static_cast<double>(tokens()) / layer_times(variant, factors).total_s();
    };
    row.low = rate(request_.factors.low);
    row.base = rate(request_.factors.base);
    row.high = rate(request_.factors.high);
    row.origin = layer_times(variant, request_.factors.base).origin;
    if (measured_layer(variant)) row.layer_origin = Origin::measured;
    finish(row, layer_flops_per_token());
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
      row.origin = Origin::modelled;  // one of them was run
      row.low /= count;
      row.base /= count;
      row.high /= count;
      finish(row, count * layer_flops_per_token());
      result_.rows.push_back(row);
    }
  }

  /// A layer of no known model scales by sharing its experts, as far as the GPUs divide them; each
  /// GPU brings the same tokens.
  void add_layer_scaling() {
    TrainingSetup setup = request_.training;
    setup.variant = request_.variants.back();
    const auto rate = [&](const Factors& factors, std::int64_t ranks) {
      return static_cast<double>(tokens()) / expert_layer_s(setup, factors, ranks, tokens());
    };
    std::vector<std::int64_t> counts{1, 2, 4};
    counts.insert(counts.end(), request_.scaling.begin(), request_.scaling.end());
    for (std::int64_t gpus : counts) {
      if (model_.layer.num_experts % gpus != 0) continue;
      EstimateRow row;
      row.variant = setup.variant;
      row.gpus = gpus;
      row.memory_bytes = layer_bytes(setup.variant, gpus);
      row.fits = fits(row);
      row.low = rate(request_.factors.low, gpus);
      row.base = rate(request_.factors.base, gpus);
      row.high = rate(request_.factors.high, gpus);
      row.plan = "EP " + std::to_string(gpus);
      finish(row, layer_flops_per_token());
      result_.scaling.push_back(row);
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
    const auto measured = measured_layer(row.variant);
    if (measured) row.layer_origin = Origin::measured;
    const auto best = best_plan(setup, request_.wishes, row.gpus, request_.factors, measured);
    if (!best) {
      row.plan = "no plan: " + why_no_plan(setup, request_.wishes, row.gpus);
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
    const bool may_use_8_bits = row.scope == Scope::model && has_8_bits();
    utilization(row.high, flops,
                may_use_8_bits ? std::max(gpu.bf16_flops_per_s, gpu.fp8_flops_per_s)
                               : gpu.bf16_flops_per_s);
    row.utilization = row.base * flops / gpu.bf16_flops_per_s;
  }

  bool has_8_bits() const {
    return trains() ? request_.training.fp8 : request_.serving.bytes_per_weight < 2;
  }

  void add_savings(std::vector<EstimateRow>& rows) const {
    for (EstimateRow& row : rows) {
      const auto baseline = std::find_if(rows.begin(), rows.end(), [&](const EstimateRow& other) {
        return other.scope == row.scope && other.gpus == row.gpus &&
               other.variant == request_.baseline;
      });
      if (baseline == rows.end() || !baseline->fits || !row.fits) continue;
      if (baseline->layer_origin != row.layer_origin) continue;
      row.saving = 1 - row.cost.gpu_hours / baseline->cost.gpu_hours;
    }
  }

  const EstimateRequest& request_;
  const ModelConfig& model_;
  Estimate result_;
};

}  // namespace

std::int64_t layer_tokens(const EstimateRequest& request) {
  constexpr std::int64_t kUsualSequences = 128;
  if (request.workload != Workload::decode) return request.training.model.tokens();
  return request.serving.sequences > 0 ? request.serving.sequences : kUsualSequences;
}

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
