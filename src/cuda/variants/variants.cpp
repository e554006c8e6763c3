// The CUDA variants: a plan of src/plan joined with a layer of this folder, and what each cannot
// do.
#include "cuda/variants/variants.h"

#include <memory>
#include <string>

#include "cuda/kernels/router/choose.h"
#include "cuda/runtime/capability.h"
#include "cuda/variants/grouped_gemm.h"
#include "cuda/variants/kernel_scratch.h"
#include "cuda/variants/sonic.h"
#include "cuda/variants/vanilla.h"
#include "plan/algorithms.h"

namespace moe::cuda {
namespace {

/// What the kernels that a variant is made of ask for.
struct Needs {
  /// Why they cannot take the layer; empty = they can.
  std::optional<std::string> (*reason)(const LayerConfig&, const DeviceTraits&);
  plan::KernelScratch (*scratch)(const Request&, const DeviceTraits&);
};

std::optional<std::string> any_gpu_reason(const LayerConfig& config, const DeviceTraits& traits) {
  if (traits.compute_capability < kOldestCapability) {
    return "needs bfloat16 arithmetic, compute capability " + capability_text(kOldestCapability) +
           " or newer; this GPU has " + capability_text(traits.compute_capability);
  }
  if (config.dtype != DType::bf16 && config.dtype != DType::f16)
    return "the GPU kernels are bf16 and fp16; use --dtype bf16";
  if (config.hidden_dim % 8 != 0 || config.ffn_dim % 8 != 0) {
    return "--hidden-dim and --ffn-dim must be multiples of 8 (the kernels move 16 bytes of a row)";
  }
  if (config.num_experts > kMaxExperts || config.top_k > kMaxTopK ||
      config.gate.num_groups > kMaxGroups)
    return "the router kernels hold at most 1024 experts in 32 groups, and top-k 32";
  if (config.shared.ffn_dim % 8 != 0) return "the shared expert's width must be a multiple of 8";
  return {};
}

std::optional<std::string> hopper_reason(const LayerConfig& config, const DeviceTraits& traits) {
  if (traits.compute_capability == kHopperCapability) return any_gpu_reason(config, traits);
  return "needs a Hopper GPU (compute capability " + capability_text(kHopperCapability) +
         "); this one has " + capability_text(traits.compute_capability);
}

/// `sonic` keeps H in halves, and takes boxes of W_up that lie in one of its halves.
std::optional<std::string> sonic_reason(const LayerConfig& config, const DeviceTraits& traits) {
  if (auto reason = hopper_reason(config, traits)) return reason;
  const bool in_boxes = config.hidden_dim % 64 == 0 && config.ffn_dim % 64 == 0;
  if (config.up_layout == UpLayout::interleaved && !in_boxes)
    return "with --up-layout interleaved, --hidden-dim and --ffn-dim must be multiples of 64";
  return {};
}

constexpr Needs kAnyGpu = {any_gpu_reason, any_gpu_scratch};
constexpr Needs kGroupedGemm = {hopper_reason, grouped_gemm_scratch};
constexpr Needs kSonic = {sonic_reason, sonic_scratch};

template <class LayerType>
class CudaVariant final : public Variant {
 public:
  using MakePlan = Plan (*)(const Request&, const DeviceTraits&, const plan::KernelScratch&);
  CudaVariant(std::string_view name, std::string_view summary, MakePlan make_plan, Needs needs)
      : name_(name), summary_(summary), make_plan_(make_plan), needs_(needs) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override { return summary_; }

  std::optional<std::string> unsupported(const Request& request,
                                         const DeviceTraits& traits) const override {
    return needs_.reason(request.config, traits);
  }

  Plan plan(const Request& request, const DeviceTraits& traits) const override {
    return make_plan_(request, traits, needs_.scratch(request, traits));
  }

  std::unique_ptr<Layer> make_layer(const Plan& plan, DeviceId device) const override {
    return std::make_unique<LayerType>(plan, device);
  }

 private:
  std::string_view name_, summary_;
  MakePlan make_plan_;
  Needs needs_;
};

}  // namespace

std::vector<const Variant*> cuda_variants() {
  static const CudaVariant<VanillaLayer> vanilla(
      "vanilla", "loop over experts as written in PyTorch, cuBLAS products", plan::vanilla,
      kAnyGpu);
  static const CudaVariant<GroupedGemmLayer> grouped_gemm(
      "grouped_gemm", "rows sorted by expert, one grouped GEMM per projection", plan::grouped_gemm,
      kGroupedGemm);
  static const CudaVariant<SonicLayer> sonic(
      "sonic", "SonicMoE: keeps only X and H, recomputes A, dS = <dA', A>", plan::sonic, kSonic);
  return {&vanilla, &grouped_gemm, &sonic};
}

}  // namespace moe::cuda
