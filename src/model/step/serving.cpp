// A pass over all layers: what must be read, what must be computed, what must be sent.
#include "model/step/serving.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "model/cluster/collectives.h"
#include "model/layer/layer_time.h"
#include "model/layer/model_parts.h"
#include "model/layer/plan_memory.h"
#include "model/step/cost.h"

namespace moe::model {
namespace {

constexpr double kElement = 2;  // bfloat16 activations
constexpr std::int64_t kMostSequences = 1024;

class ServingModel {
 public:
  ServingModel(const ServingSetup& setup, const ServingPlan& plan)
      : setup_(setup), model_(setup.model), plan_(plan), parts_(model_parts(setup.model)) {}

  ServingMemory memory() const {
    ServingMemory memory;
    memory.weights = other_weight_bytes() + moe_layers() * expert_bytes();
    memory.cache = static_cast<double>(plan_.sequences) * cache_per_sequence();
    memory.workspace = static_cast<double>(
        plan_of(setup_.variant, share(), pass_tokens_whole(), false).workspace_bytes);
    memory.reserved = reserved_bytes(setup_.gpu);
    return memory;
  }

  ServingParts pass(const Factors& factors) const {
    const double bandwidth = setup_.gpu.memory_bytes_per_s * factors.memory_efficiency;
    ServingParts parts;
    // One prompt's cache is written while it is computed; decoding reads all of it.
    const double cache = setup_.phase == ServingPhase::decode
                             ? static_cast<double>(plan_.sequences) * cache_per_sequence()
                             : 0;
    parts.weights_and_cache = (other_weight_bytes() + cache) / bandwidth;
    parts.attention = attention_s(factors);
    parts.experts = moe_layers() * experts_s(factors) * factors.imbalance;
    parts.exchange = exchange_s(factors);
    parts.latency = static_cast<double>(model_.num_layers) * factors.layer_latency_s;
    return parts;
  }

  /// Tokens that a GPU finishes in a pass: its share of the tensor group's.
  double pass_tokens() const {
    const double per_sequence =
        setup_.phase == ServingPhase::decode ? 1 : static_cast<double>(setup_.context);
    return static_cast<double>(plan_.sequences) * per_sequence / static_cast<double>(plan_.tensor);
  }

 private:
  double moe_layers() const { return static_cast<double>(model_.num_moe_layers()); }
  std::int64_t pass_tokens_whole() const {
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(pass_tokens()));
  }
  LayerConfig share() const { return rank_share(model_.layer, plan_.expert); }

  double expert_bytes() const {
    return parts_.routed_experts / static_cast<double>(plan_.expert) * setup_.bytes_per_weight;
  }

  double other_weight_bytes() const {
    return (parts_.total - moe_layers() * parts_.routed_experts) /
           static_cast<double>(plan_.tensor) * setup_.bytes_per_weight;
  }

  /// Bytes of one sequence on one GPU. Heads are split over the tensor group; a latent is not.
  double cache_per_sequence() const {
    const Attention& a = model_.attention;
    const double bytes = cache_bytes(model_, setup_.bytes_per_cached)
                             .of_sequence(static_cast<double>(setup_.context),
                                          static_cast<double>(a.sliding_window));
    const std::int64_t split =
        a.kind == AttentionKind::grouped_query
            ? std::min(plan_.tensor, std::max<std::int64_t>(1, a.num_kv_heads))
            : 1;
    return bytes / static_cast<double>(split);
  }

  double attention_s(const Factors& factors) const {
    const double context = setup_.phase == ServingPhase::decode
                               ? static_cast<double>(setup_.context)
                               : causal_context(static_cast<double>(setup_.context), 0);
    const TokenFlops flops = forward_flops(model_, context);
    const double peak = setup_.gpu.bf16_flops_per_s;
    return pass_tokens() * ((flops.attention_products + flops.dense_mlp + flops.head) /
                                (peak * factors.gemm_efficiency) +
                            flops.attention_scores / (peak * factors.attention_efficiency));
  }

  /// The variant's plan, or its weights where few tokens make reading them the longer part.
  double experts_s(const Factors& factors) const {
    const double scale = setup_.bytes_per_weight / kElement;
    const Rates rates = gpu_rates(setup_.gpu, factors, false);
    // The plan counts 16-bit weights; with few tokens they are nearly all of its bytes.
    const double weight_read = expert_bytes() / rates.bytes;
    const double modelled = roofline(setup_.variant, share(), pass_tokens_whole(), false,
                                     {rates, 1, factors.loop_expert_s})
                                .forward_s;
    const double without_weights = modelled - expert_bytes() / scale / rates.bytes;
    return std::max(weight_read, std::max(0.0, without_weights) + weight_read);
  }

  double exchange_s(const Factors& factors) const {
    const NetworkUse use{factors.network_efficiency, factors.launch_latency_s};
    const double wide = static_cast<double>(model_.layer.hidden_dim) * kElement;
    const TokenCopies copies = token_copies(Copies::per_node, model_.layer.top_k, plan_.expert,
                                            setup_.node_limit, setup_.network);
    const auto once = [&](double bytes) {
      return all_to_all_s(setup_.network, use, copies, plan_.expert, pass_tokens(), bytes);
    };
    const double expert = moe_layers() * (once(wide / 2 * setup_.bytes_per_weight) + once(wide)) *
                          (1 - factors.all_to_all_overlap);
    const double tensor = 2 * static_cast<double>(model_.num_layers) *
                          all_reduce_s(setup_.network, use, pass_tokens() * wide, plan_.tensor,
                                       setup_.network.ranks_per_node(plan_.tensor));
    return expert + tensor;
  }

  const ServingSetup& setup_;
  const ModelConfig& model_;
  const ServingPlan& plan_;
  ModelParts parts_;
};

double capacity(const ServingSetup& setup) {
  return static_cast<double>(setup.gpu.memory_bytes);
}

/// The most sequences that fit beside the weights, in powers of two; 1 when not even one does.
std::int64_t most_sequences(const ServingSetup& setup, ServingPlan plan) {
  std::int64_t fitting = 1;
  for (plan.sequences = 1; plan.sequences <= kMostSequences; plan.sequences *= 2) {
    if (ServingModel(setup, plan).memory().total() > capacity(setup)) break;
    fitting = plan.sequences;
  }
  return fitting;
}

double rate(const ServingSetup& setup, const ServingPlan& plan, const Factors& factors) {
  const ServingModel model(setup, plan);
  const double tokens_per_s = model.pass_tokens() / model.pass(factors).total();
  const double context = static_cast<double>(setup.context);
  utilization(tokens_per_s, forward_flops(setup.model, context / 2).total(),
              setup.bytes_per_weight < 2
                  ? std::max(setup.gpu.fp8_flops_per_s, setup.gpu.bf16_flops_per_s)
                  : setup.gpu.bf16_flops_per_s);
  return tokens_per_s;
}

ServingResult evaluate(const ServingSetup& setup, const ServingPlan& plan,
                       const FactorRange& factors) {
  ServingResult result;
  result.plan = plan;
  result.memory = ServingModel(setup, plan).memory();
  result.fits = result.memory.total() <= capacity(setup);
  if (!result.fits) return result;
  result.low = rate(setup, plan, factors.low);
  result.base = rate(setup, plan, factors.base);
  result.high = rate(setup, plan, factors.high);
  result.parts = ServingModel(setup, plan).pass(factors.base);
  return result;
}

}  // namespace

ServingResult best_serving(const ServingSetup& setup, std::int64_t gpus,
                           const FactorRange& factors) {
  ServingResult best;
  for (std::int64_t tensor : {1, 2, 4, 8}) {
    if (gpus % tensor != 0 || tensor > setup.network.gpus_per_node) continue;
    ServingPlan plan;
    plan.gpus = gpus;
    plan.tensor = tensor;
    plan.expert = std::gcd(gpus, std::max<std::int64_t>(1, setup.model.layer.num_experts));
    plan.sequences = setup.sequences > 0 ? setup.sequences : most_sequences(setup, plan);
    const ServingResult result = evaluate(setup, plan, factors);
    const bool first = best.memory.total() == 0;
    const bool smaller = !best.fits && result.memory.total() < best.memory.total();
    if (first || (result.fits ? result.base > best.base : smaller)) best = result;
  }
  return best;
}

std::optional<std::int64_t> fewest_serving_gpus(const ServingSetup& setup, std::int64_t most) {
  for (std::int64_t gpus = 1; gpus <= most; gpus *= 2) {
    if (best_serving(setup, gpus, default_factors()).fits) return gpus;
  }
  return std::nullopt;
}

}  // namespace moe::model
