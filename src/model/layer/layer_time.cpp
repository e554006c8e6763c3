// Steps to seconds.
#include "model/layer/layer_time.h"

#include "config/nearest_name.h"
#include "moe/error.h"
#include "plan/algorithms.h"

namespace moe::model {
namespace {

constexpr std::string_view kRounded = "+rounding";
constexpr std::int64_t kTile = 128;    // rows of a GEMM tile
constexpr double kLoopForward = 0.27;  // of a loop's host work: 0.15 of 0.55 ms

bool is_rounded(std::string_view variant) {
  return variant.ends_with(kRounded);
}

DeviceTraits traits_of_gpu() {
  DeviceTraits traits;
  traits.gather_block_rows = 0;  // GPU kernels gather by themselves
  return traits;
}

}  // namespace

Rates gpu_rates(const GpuPreset& gpu, const Factors& factors, bool fp8) {
  if (fp8 && gpu.fp8_flops_per_s == 0) {
    throw Error(ErrorKind::usage, std::string(gpu.product) + " has no 8-bit arithmetic", "",
                "leave --fp8 out");
  }
  return {gpu.bf16_flops_per_s * factors.gemm_efficiency * (fp8 ? factors.fp8_gain : 1),
          gpu.memory_bytes_per_s * factors.memory_efficiency};
}

Rates kernel_rates(const GpuPreset& gpu, const Factors& factors) {
  return {gpu.bf16_flops_per_s * factors.kernel_efficiency,
          gpu.memory_bytes_per_s * factors.memory_efficiency};
}

Plan plan_of(const std::string& variant, const LayerConfig& config, std::int64_t tokens,
             bool training) {
  Request request;
  request.config = config;
  request.config.rounding.rule = RoundingRule::none;  // rounds to whole tiles on average
  request.max_tokens = tokens;
  request.max_rows = tokens * config.top_k;
  request.training = training;
  const std::string name =
      is_rounded(variant) ? variant.substr(0, variant.size() - kRounded.size()) : variant;
  if (name == "vanilla") return plan::vanilla(request, traits_of_gpu());
  if (name == "grouped_gemm") return plan::grouped_gemm(request, traits_of_gpu());
  if (name == "sonic") return plan::sonic(request, traits_of_gpu());
  const std::vector<std::string> known{"vanilla", "grouped_gemm", "grouped_gemm+rounding", "sonic",
                                       "sonic+rounding"};
  throw Error(ErrorKind::usage, config::unknown_name("variant", variant, known), "",
              "known: " + config::listed(known));
}

LayerConfig rank_share(const LayerConfig& config, std::int64_t ranks) {
  if (ranks < 1 || config.num_experts % ranks != 0) {
    throw Error(
        ErrorKind::usage,
        std::to_string(ranks) + " ranks for " + std::to_string(config.num_experts) + " experts", "",
        "the number of ranks must divide the number of experts");
  }
  LayerConfig share = config;
  share.num_experts = config.num_experts / ranks;
  return share;
}

double tile_waste(std::int64_t num_experts, std::int64_t tile, double rows) {
  return static_cast<double>(num_experts * (tile - 1)) / (2 * rows);
}

LayerTimes roofline(const std::string& variant, const LayerConfig& config, std::int64_t tokens,
                    bool training, const LayerRates& rates) {
  const bool is_loop = variant == "vanilla";
  const Plan plan = plan_of(is_loop ? "grouped_gemm" : variant, config, tokens, training);
  const double rows = static_cast<double>(plan.request.max_rows);
  const double waste = is_rounded(variant) ? 0 : tile_waste(config.num_experts, kTile, rows);
  const Rates effective{rates.gpu.flops / (1 + waste), rates.gpu.bytes / rates.traffic};
  LayerTimes times;
  times.forward_s = least_seconds(plan.forward, effective);
  times.backward_s = least_seconds(plan.backward, effective);
  if (is_loop) {
    const double loop_s = static_cast<double>(config.num_experts) * rates.loop_expert_s;
    times.forward_s += kLoopForward * loop_s;
    if (training) times.backward_s += (1 - kLoopForward) * loop_s;
  }
  return times;
}

}  // namespace moe::model
