// Parameters by stage and rank, then what one micro-batch keeps times the micro-batches in flight.
#include "model/layer/plan_memory.h"

#include <algorithm>
#include <cmath>

#include "model/layer/layer_time.h"
#include "model/layer/model_parts.h"

namespace moe::model {
namespace {

constexpr double kElement = 2;     // bfloat16
constexpr double kLogitBytes = 6;  // float32 logits and a 16-bit gradient
constexpr double kReserved = 2.0 * 1024 * 1024 * 1024;
constexpr double kFragmentation = 0.03;

/// Layers of the fullest stage. MoE layers weigh most, so it is a stage of MoE layers alone.
struct StageLayers {
  double all = 0, moe = 0, dense = 0;
};

StageLayers fullest_stage(const ParallelPlan& plan, const ModelConfig& model) {
  StageLayers layers;
  layers.all = std::ceil(static_cast<double>(model.num_layers) / plan.pipeline);
  layers.moe = std::min(layers.all, static_cast<double>(model.num_moe_layers()));
  layers.dense = layers.all - layers.moe;
  return layers;
}

/// Share of a layer's mixers: attention layers and linear ones in the model's own proportion.
double mixer_parameters(const ModelConfig& model, const ModelParts& parts) {
  return (static_cast<double>(model.num_attention_layers()) * parts.attention +
          static_cast<double>(model.linear.num_layers) * parts.linear_mixer) /
         static_cast<double>(model.num_layers);
}

/// Parameters on one rank: those held once per expert group, and all others.
struct RankParameters {
  double experts = 0, others = 0;
};

RankParameters rank_parameters(const ParallelPlan& plan, const ModelConfig& model) {
  const ModelParts parts = model_parts(model);
  const StageLayers layers = fullest_stage(plan, model);
  const double copies = plan.schedule == Schedule::dual_pipe ? 2 : 1;
  const double outer = plan.pipeline == 1
                           ? parts.head + (model.tied_embeddings ? 0 : parts.embedding)
                           : std::max(parts.head, parts.embedding);
  return {copies * layers.moe * parts.routed_experts / static_cast<double>(plan.expert),
          copies *
              (layers.all * mixer_parameters(model, parts) + layers.moe * parts.router_and_shared +
               layers.dense * parts.dense_mlp + outer) /
              static_cast<double>(plan.tensor)};
}

/// ZeRO 3 gathers whole layers before they run: the one at work and the next.
double gathered_weight_bytes(const ParallelPlan& plan, const ModelConfig& model) {
  if (plan.zero_stage < 3) return 0;
  const ModelParts parts = model_parts(model);
  const double moe_layer =
      parts.routed_experts / static_cast<double>(plan.expert) +
      (parts.router_and_shared + parts.attention) / static_cast<double>(plan.tensor);
  const double dense_layer = (parts.dense_mlp + parts.attention) / static_cast<double>(plan.tensor);
  return 2 * kElement * std::max(model.num_moe_layers() > 0 ? moe_layer : 0, dense_layer);
}

void add_states(const RankParameters& parameters, const ParallelPlan& plan,
                const TrainingSetup& setup, MemoryParts& memory) {
  const auto add = [&](double count, std::int64_t ranks) {
    const StateBytes bytes =
        training_state(static_cast<std::int64_t>(std::ceil(count)), DType::bf16,
                       {setup.optimizer, setup.gradient_dtype, plan.zero_stage, ranks});
    memory.weights += static_cast<double>(bytes.weights);
    memory.gradients += static_cast<double>(bytes.gradients);
    memory.optimizer += static_cast<double>(bytes.optimizer);
  };
  add(parameters.experts, plan.expert_data());
  add(parameters.others, plan.data());
}

/// Micro-batches whose activations the first stage holds at once.
double in_flight(const ParallelPlan& plan) {
  const double stages = static_cast<double>(plan.pipeline);
  double held = stages;
  if (plan.schedule == Schedule::dual_pipe) held = stages + 1;
  if (plan.virtual_stages > 1) held += (stages - 1) / static_cast<double>(plan.virtual_stages);
  return std::min(held, static_cast<double>(plan.micro_batches()));
}

void add_activations(const ParallelPlan& plan, const TrainingSetup& setup, MemoryParts& memory) {
  const ModelConfig& model = setup.model;
  const StageLayers layers = fullest_stage(plan, model);
  const std::int64_t tokens = rank_tokens(plan, model);
  const double input = static_cast<double>(tokens * model.layer.hidden_dim) * kElement;
  double moe_layer = 0;
  if (layers.moe > 0) {
    const Plan layer = plan_of(setup.variant, rank_share(model.layer, plan.expert), tokens, true);
    moe_layer = static_cast<double>(layer.saved_bytes) + input;
    memory.workspace = static_cast<double>(layer.workspace_bytes);
    if (plan.expert > 1) {
      // Rows that came in from other ranks, before and after the experts.
      memory.exchange = 2 * input * static_cast<double>(model.layer.top_k);
    }
  }
  const double matrices = is_gated(model.layer.activation) ? 3 : 2;
  const double dense_layer =
      input + static_cast<double>(tokens * model.dense_ffn_dim) * matrices * kElement;
  const double attention = static_cast<double>(tokens) * attention_saved_bytes(model, kElement);
  const double layer_sum =
      layers.all * attention + layers.moe * moe_layer + layers.dense * dense_layer;
  const double kept = plan.recompute ? layers.all * input : layer_sum;
  memory.activations = in_flight(plan) * kept;
  if (plan.recompute) memory.activations += attention + std::max(moe_layer, dense_layer);
  memory.workspace =
      std::max(memory.workspace,
               static_cast<double>(tokens) * static_cast<double>(model.vocab_size) * kLogitBytes);
}

}  // namespace

double reserved_bytes(const GpuPreset& gpu) {
  return kReserved + kFragmentation * static_cast<double>(gpu.memory_bytes);
}

std::int64_t rank_tokens(const ParallelPlan& plan, const ModelConfig& model) {
  return std::max<std::int64_t>(1, plan.micro_batch * model.seq_len / plan.tensor);
}

MemoryParts plan_memory(const ParallelPlan& plan, const TrainingSetup& setup) {
  MemoryParts memory;
  add_states(rank_parameters(plan, setup.model), plan, setup, memory);
  add_activations(plan, setup, memory);
  memory.workspace += gathered_weight_bytes(plan, setup.model);
  memory.reserved = reserved_bytes(setup.gpu);
  return memory;
}

}  // namespace moe::model
