// One layer of each kind, then stage, pipeline and step.
#include "model/step/step_time.h"

#include <algorithm>

#include "model/cluster/collectives.h"
#include "model/layer/expert_layer.h"
#include "model/layer/model_parts.h"
#include "model/step/cost.h"

namespace moe::model {
namespace {

constexpr double kElement = 2;   // bfloat16
constexpr double kBackward = 2;  // backward / forward of GEMMs

/// Everything that is the same for all parts of a step.
class StepModel {
 public:
  StepModel(const ParallelPlan& plan, const TrainingSetup& setup, const Factors& factors,
            const std::optional<MeasuredLayer>& measured)
      : plan_(plan),
        setup_(setup),
        model_(setup.model),
        factors_(factors),
        measured_(measured),
        parts_(model_parts(setup.model)),
        rates_(gpu_rates(setup.gpu, factors, setup.fp8)),
        tokens_(static_cast<double>(rank_tokens(plan, setup.model))) {
    // Multiprocessors that only send are lost to arithmetic.
    rates_.flops *= 1 - setup.exchange_sm_share;
  }

  StepParts step() const {
    const StepParts stage = stage_of_one_micro_batch();
    const double count = static_cast<double>(plan_.micro_batches());
    StepParts step;
    step.moe = count * stage.moe;
    step.attention = count * stage.attention;
    step.dense = count * stage.dense;
    step.passes = count * stage.passes;
    step.recompute = count * stage.recompute;
    step.all_to_all = count * stage.all_to_all;
    step.tensor_exchange = count * stage.tensor_exchange;
    step.imbalance = count * stage.imbalance;
    step.host = count * stage.host;
    step.bubble = bubble(stage.total());
    add_reduction(count, step);
    return step;
  }

 private:
  double gemm_s(double parameters) const {
    return 2 * (1 + kBackward) * tokens_ * parameters / rates_.flops;
  }

  /// One MoE layer, forward and backward, alone on this rank.
  LayerTimes moe_layer() const {
    if (measured_) {
      const double scale = tokens_ / static_cast<double>(measured_->tokens);
      return {measured_->times.forward_s * scale, measured_->times.backward_s * scale,
              Origin::measured};
    }
    return roofline(setup_.variant, rank_share(model_.layer, plan_.expert),
                    rank_tokens(plan_, model_), true,
                    {rates_, factors_.traffic, factors_.loop_expert_s});
  }

  NetworkUse network_use() const {
    return {factors_.network_efficiency, factors_.launch_latency_s};
  }

  double overlap() const {
    // DualPipe is built so that exchanges run behind arithmetic of another micro-batch.
    constexpr double kDualPipe = 0.9;
    return plan_.schedule == Schedule::dual_pipe ? std::max(kDualPipe, factors_.all_to_all_overlap)
                                                 : factors_.all_to_all_overlap;
  }

  /// Sequence-parallel gathers and scatters: 2 forward, 2 backward, as much again in attention.
  double tensor_exchange_s() const {
    const double bytes = tokens_ * static_cast<double>(model_.layer.hidden_dim * plan_.tensor);
    return 8 * reduce_scatter_s(setup_.network, network_use(), bytes * kElement, plan_.tensor,
                                setup_.network.ranks_per_node(plan_.tensor));
  }

  /// Mean over layers of the mixer's GEMM parameters, and score time of one layer.
  double mixer_s() const {
    const TokenFlops flops =
        forward_flops(model_, causal_context(static_cast<double>(model_.seq_len), 0));
    const double layers = static_cast<double>(model_.num_layers);
    const double scores = (1 + kBackward) * tokens_ * flops.attention_scores / layers /
                          (setup_.gpu.bf16_flops_per_s * factors_.attention_efficiency);
    return gemm_s(flops.attention_products / 2 / layers) + scores;
  }

  double passes_s() const {
    return factors_.layer_passes * tokens_ * static_cast<double>(model_.layer.hidden_dim) *
           kElement * factors_.traffic / rates_.bytes;
  }

  double host_s() const { return factors_.host_s * (setup_.graphs ? factors_.graph_share : 1); }

  /// What a layer that takes `layer_s` on the GPU waits for the host.
  double idle(double layer_s) const { return std::max(0.0, host_s() - layer_s); }

  /// One micro-batch through one stage of average size.
  StepParts stage_of_one_micro_batch() const {
    const double stages = static_cast<double>(plan_.pipeline);
    const double moe_layers = static_cast<double>(model_.num_moe_layers()) / stages;
    const double dense_layers = static_cast<double>(model_.num_dense_layers) / stages;
    const double mixer = mixer_s(), passes = passes_s(), tensor = tensor_exchange_s();
    StepParts stage;
    if (moe_layers > 0) {
      const LayerTimes layer = moe_layer();
      const double exposed =
          expert_exchange_s(setup_, factors_, plan_.expert, tokens_) * (1 - overlap());
      const double waiting = plan_.expert > 1 ? (factors_.imbalance - 1) * layer.total_s() : 0;
      stage.moe = moe_layers * layer.total_s();
      stage.all_to_all = moe_layers * exposed;
      stage.imbalance = moe_layers * waiting;
      stage.host = moe_layers * idle(layer.total_s() + mixer + passes + tensor + exposed + waiting);
      if (plan_.recompute) {
        stage.recompute += moe_layers * (layer.forward_s + (mixer + passes) / 3 + exposed / 2);
      }
    }
    const double dense = gemm_s(parts_.dense_mlp);
    stage.dense = dense_layers * dense + gemm_s(parts_.head) / stages;
    if (plan_.recompute) stage.recompute += dense_layers * (dense + mixer + passes) / 3;
    stage.host += dense_layers * idle(dense + mixer + passes + tensor);
    stage.attention = (moe_layers + dense_layers) * mixer;
    stage.passes = (moe_layers + dense_layers) * passes;
    stage.tensor_exchange = (moe_layers + dense_layers) * tensor;
    return stage;
  }

  /// Empty slots of the pipeline, in units of one micro-batch through one stage: F + B = 1, where
  /// forward, input gradients and weight gradients take a third each (arXiv 2412.19437, table 2).
  double bubble(double stage_s) const {
    const double stages = static_cast<double>(plan_.pipeline);
    if (plan_.pipeline == 1) return 0;
    switch (plan_.schedule) {
      case Schedule::one_f_one_b:
        return (stages - 1) / static_cast<double>(plan_.virtual_stages) * stage_s;
      case Schedule::zero_bubble: return (stages - 1) / 3 * stage_s;
      case Schedule::dual_pipe: return (stages / 2 - 1) * 2 / 3 * stage_s;
    }
    return 0;
  }

  /// Gradients are reduced and weights gathered once per step (ZeRO 1 and 2), or weights gathered
  /// twice and gradients scattered in every micro-batch (ZeRO 3).
  void add_reduction(double micro_batches, StepParts& step) const {
    const double stages = static_cast<double>(plan_.pipeline);
    const double experts = static_cast<double>(model_.num_moe_layers()) * parts_.routed_experts /
                           (stages * static_cast<double>(plan_.expert));
    const double others =
        (parts_.total - static_cast<double>(model_.num_moe_layers()) * parts_.routed_experts) /
        (stages * static_cast<double>(plan_.tensor));
    const double gradient = static_cast<double>(size_of(setup_.gradient_dtype));
    const std::int64_t near = setup_.network.gpus_per_node;
    const auto scatter = [&](double bytes, std::int64_t ranks, std::int64_t group) {
      const std::int64_t ranks_near = std::max<std::int64_t>(1, near / group);
      return reduce_scatter_s(setup_.network, network_use(), bytes, ranks, ranks_near);
    };
    const auto both = [&](double bytes_per_parameter) {
      return scatter(experts * bytes_per_parameter, plan_.expert_data(), plan_.expert) +
             scatter(others * bytes_per_parameter, plan_.data(), plan_.tensor);
    };
    const double exchanged = plan_.zero_stage == 3
                                 ? micro_batches * (2 * both(kElement) + both(gradient))
                                 : both(gradient) + both(kElement);
    step.reduction = exchanged * (1 - factors_.reduction_overlap);
    const double states =
        static_cast<double>(optimizer_bytes_per_parameter(setup_.optimizer, DType::bf16));
    const double owned = experts / static_cast<double>(plan_.expert_data()) +
                         others / static_cast<double>(plan_.data());
    step.optimizer = owned * (2 * states + gradient + kElement) / rates_.bytes;
  }

  const ParallelPlan& plan_;
  const TrainingSetup& setup_;
  const ModelConfig& model_;
  const Factors& factors_;
  const std::optional<MeasuredLayer>& measured_;
  ModelParts parts_;
  Rates rates_;
  double tokens_;
};

}  // namespace

double StepParts::total() const {
  return moe + attention + dense + passes + recompute + all_to_all + tensor_exchange + imbalance +
         host + bubble + reduction + optimizer;
}

StepParts step_time(const ParallelPlan& plan, const TrainingSetup& setup, const Factors& factors,
                    const std::optional<MeasuredLayer>& measured) {
  return StepModel(plan, setup, factors, measured).step();
}

double training_flops_per_token(const ModelConfig& model) {
  return 3 * forward_flops(model, causal_context(static_cast<double>(model.seq_len), 0)).total();
}

double tokens_per_s_per_gpu(const ParallelPlan& plan, const TrainingSetup& setup,
                            const StepParts& step) {
  // Sequences beyond whole micro-batches are left out of the step.
  const double tokens = static_cast<double>(plan.micro_batches() * plan.micro_batch * plan.data() *
                                            setup.model.seq_len);
  const double rate = tokens / step.total() / static_cast<double>(plan.gpus);
  utilization(rate, training_flops_per_token(setup.model),
              setup.fp8 ? setup.gpu.fp8_flops_per_s : setup.gpu.bf16_flops_per_s);
  return rate;
}

}  // namespace moe::model
