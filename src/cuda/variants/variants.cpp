// The CUDA variants: a plan of src/plan joined with a layer of this folder, and what each cannot
// do.
#include "cuda/variants/variants.h"

#include <memory>
#include <string>

#include "cuda/kernels/bias/bias_gradient.h"
#include "cuda/kernels/gemm/d_act.h"
#include "cuda/kernels/gemm/select_tile.h"
#include "cuda/kernels/permute/build_rows.h"
#include "cuda/kernels/round/round.h"
#include "cuda/kernels/router/choose.h"
#include "cuda/variants/grouped_gemm.h"
#include "cuda/variants/sonic.h"
#include "cuda/variants/vanilla.h"
#include "plan/algorithms.h"

namespace moe::cuda {
namespace {

constexpr int kHopper = 90;

/// Why the Hopper kernels cannot take the layer; empty = they can.
std::optional<std::string> hopper_reason(const LayerConfig& config, const DeviceTraits& traits) {
  if (traits.compute_capability != kHopper) return "needs a Hopper GPU (compute capability 9.0)";
  if (config.dtype != DType::bf16) return "the Hopper kernels are bf16; use --dtype bf16";
  if (config.hidden_dim % 8 != 0 || config.ffn_dim % 8 != 0) {
    return "--hidden-dim and --ffn-dim must be multiples of 8 (16-byte rows of the copy engine)";
  }
  if (config.num_experts > kMaxExperts || config.top_k > kMaxTopK ||
      config.gate.num_groups > kMaxGroups)
    return "the router kernels hold at most 1024 experts in 32 groups, and top-k 32";
  if (config.shared.ffn_dim % 8 != 0) return "the shared expert's width must be a multiple of 8";
  return {};
}

/// `sonic` keeps H in halves, and takes boxes of W_up that lie in one of its halves.
std::optional<std::string> sonic_reason(const LayerConfig& config, const DeviceTraits& traits) {
  if (auto reason = hopper_reason(config, traits)) return reason;
  const bool in_boxes = config.hidden_dim % 64 == 0 && config.ffn_dim % 64 == 0;
  if (config.up_layout == UpLayout::interleaved && !in_boxes)
    return "with --up-layout interleaved, --hidden-dim and --ffn-dim must be multiples of 64";
  return {};
}

template <class LayerType>
class CudaVariant final : public Variant {
 public:
  using MakePlan = Plan (*)(const Request&, const DeviceTraits&, const plan::KernelScratch&);
  using FindReason = std::optional<std::string> (*)(const LayerConfig&, const DeviceTraits&);
  CudaVariant(std::string_view name, std::string_view summary, MakePlan make_plan,
              FindReason find_reason)
      : name_(name), summary_(summary), make_plan_(make_plan), find_reason_(find_reason) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override { return summary_; }

  std::optional<std::string> unsupported(const Request& request,
                                         const DeviceTraits& traits) const override {
    return find_reason_(request.config, traits);
  }

  Plan plan(const Request& request, const DeviceTraits& traits) const override {
    plan::KernelScratch scratch;
    scratch.permute_bytes = permute_scratch_bytes(request.max_tokens, request.config.num_experts);
    scratch.round_bytes = round_scratch_bytes(request.max_tokens, request.config.num_experts);
    scratch.d_score_columns = kDScoreColumns;
    scratch.shared_as_rows = true;
    scratch.rounds_d_logits = true;
    scratch.gemm_turns = true;
    scratch.bias_chunks = kBiasChunks;
    scratch.sums_ride = sums_ride(static_cast<int>(request.config.ffn_dim));
    return make_plan_(request, traits, scratch);
  }

  std::unique_ptr<Layer> make_layer(const Plan& plan, DeviceId device) const override {
    return std::make_unique<LayerType>(plan, device);
  }

 private:
  std::string_view name_, summary_;
  MakePlan make_plan_;
  FindReason find_reason_;
};

}  // namespace

std::vector<const Variant*> cuda_variants() {
  static const CudaVariant<VanillaLayer> vanilla(
      "vanilla", "loop over experts as written in PyTorch, cuBLAS products", plan::vanilla,
      hopper_reason);
  static const CudaVariant<GroupedGemmLayer> grouped_gemm(
      "grouped_gemm", "rows sorted by expert, one grouped GEMM per projection", plan::grouped_gemm,
      hopper_reason);
  static const CudaVariant<SonicLayer> sonic(
      "sonic", "SonicMoE: keeps only X and H, recomputes A, dS = <dA', A>", plan::sonic,
      sonic_reason);
  return {&vanilla, &grouped_gemm, &sonic};
}

}  // namespace moe::cuda
