// Four exchanges around the roofline of a rank's share.
#include "model/layer/expert_layer.h"

#include "model/cluster/collectives.h"
#include "model/layer/layer_time.h"

namespace moe::model {
namespace {

constexpr double kElement = 2;  // bfloat16

}  // namespace

double expert_exchange_s(const TrainingSetup& setup, const Factors& factors, std::int64_t ranks,
                         double tokens) {
  const LayerConfig& layer = setup.model.layer;
  const NetworkUse use{factors.network_efficiency, factors.launch_latency_s};
  const TokenCopies copies =
      token_copies(Copies::per_node, layer.top_k, ranks, setup.node_limit, setup.network);
  const double wide = static_cast<double>(layer.hidden_dim) * kElement;
  const auto once = [&](double bytes) {
    return all_to_all_s(setup.network, use, copies, ranks, tokens, bytes);
  };
  return once(setup.fp8 ? wide / 2 : wide) + 3 * once(wide);
}

double expert_layer_s(const TrainingSetup& setup, const Factors& factors, std::int64_t ranks,
                      std::int64_t tokens) {
  const double kernels = roofline(setup.variant, rank_share(setup.model.layer, ranks), tokens, true,
                                  {kernel_rates(setup.gpu, factors), 1, factors.loop_expert_s})
                             .total_s();
  if (ranks == 1) return kernels;
  const double exchange = expert_exchange_s(setup, factors, ranks, static_cast<double>(tokens));
  return factors.imbalance * kernels + (1 - factors.all_to_all_overlap) * exchange;
}

}  // namespace moe::model
