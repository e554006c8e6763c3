// Names, plans and limits of the variants in PyTorch. Their plans hold the routing alone, which is
// written for whoever asks; all other memory is PyTorch's own.
#include "torch/variants.h"

#include <optional>
#include <string>

#include "plan/builder.h"
#include "plan/sizes.h"

namespace moe::torch_rows {
namespace {

#if defined(MOE_TORCH_HAS_CUDA)
constexpr bool kHasCuda = true;
#else
constexpr bool kHasCuda = false;
#endif

std::optional<std::string> common_reason(const LayerConfig& config, const DeviceTraits& traits) {
  if (traits.kind == DeviceKind::cuda && !kHasCuda) return "this build's PyTorch has no CUDA";
  if (config.dtype != DType::f32 && config.dtype != DType::bf16 && config.dtype != DType::f16) {
    return "computes in fp32, bf16 or fp16";
  }
  if (config.rounding.rule != RoundingRule::none) {
    return "token rounding is no operator of PyTorch";
  }
  return {};
}

std::optional<std::string> grouped_mm_reason(const LayerConfig& config,
                                             const DeviceTraits& traits) {
  if (config.expert_bias) return "torch._grouped_mm takes no bias";
  const auto bytes = static_cast<std::int64_t>(size_of(config.dtype));
  if (config.hidden_dim * bytes % 16 != 0 || config.ffn_dim * bytes % 16 != 0) {
    return "torch._grouped_mm wants rows that are multiples of 16 bytes";
  }
  if (traits.kind == DeviceKind::cuda && config.dtype != DType::bf16) {
    return "torch._grouped_mm is bf16 on GPUs";
  }
  return common_reason(config, traits);
}

void routing_buffers(plan::Builder& builder, const plan::Sizes& s) {
  builder.saved("expert_offsets", DType::i32, {s.E + 1});
  builder.saved("row_tokens", DType::i32, {s.R});
  builder.saved("row_scores", DType::f32, {s.R});
  builder.saved("token_offsets", DType::i32, {s.T + 1});
  builder.saved("token_rows", DType::i32, {s.R});
  builder.saved("chosen_experts", DType::i32, {s.T, s.K});
  builder.saved("chosen_scores", DType::f32, {s.T, s.K});
}

/// Autograd's backward pass is one step: its order is the engine's.
Plan make_plan(const Request& request, const DeviceTraits& traits) {
  const plan::Sizes s(request, traits);
  const double router = 2.0 * s.T * s.d * s.E;
  const double experts = s.up_flops() + s.down_flops();
  const double shared =
      2.0 * s.T * s.d * (request.config.shared_up_dim() + request.config.shared.ffn_dim);
  const double weights = s.w_up_bytes() + s.w_down_bytes();
  const double rows = s.row_bytes(2.0 * s.d + s.u + s.n);
  plan::Builder builder(request, traits);
  builder.forward_step("router", router, s.token_bytes() + 4.0 * s.T * s.E);
  builder.forward_step("experts", experts, weights + 2 * s.token_bytes() + rows);
  if (shared > 0) builder.forward_step("shared_expert", shared, 2 * s.token_bytes());
  builder.backward_step("autograd", 2 * (router + experts + shared),
                        2 * weights + 3 * s.token_bytes() + 2 * rows);
  routing_buffers(builder, s);
  Plan plan = builder.finish();
  plan.waits_for_device = true;  // torch.where and torch.bincount tell the host their sizes
  plan.capturable = false;
  return plan;
}

class TorchVariant final : public Variant {
 public:
  using FindReason = std::optional<std::string> (*)(const LayerConfig&, const DeviceTraits&);
  TorchVariant(std::string_view name, std::string_view summary, Experts experts,
               FindReason find_reason)
      : name_(name), summary_(summary), experts_(experts), find_reason_(find_reason) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override { return summary_; }
  bool is_framework() const override { return true; }

  std::optional<std::string> unsupported(const Request& request,
                                         const DeviceTraits& traits) const override {
    return find_reason_(request.config, traits);
  }

  Plan plan(const Request& request, const DeviceTraits& traits) const override {
    Plan plan = make_plan(request, traits);
    for (auto* steps : {&plan.forward, &plan.backward}) {
      for (Step& step : *steps) step.kernel = "PyTorch";
    }
    // Sums over a token's rows are made by atomic additions: on a GPU by index_add_, on the CPU by
    // the backward pass of x[tokens]. An expert alone has a token once, so the loop has none.
    plan.deterministic = experts_ == Experts::loop;
    return plan;
  }

  std::unique_ptr<Layer> make_layer(const Plan& plan, DeviceId device) const override {
    return make_torch_layer(plan, device, experts_);
  }

 private:
  std::string_view name_, summary_;
  Experts experts_;
  FindReason find_reason_;
};

}  // namespace

std::vector<const Variant*> torch_variants() {
  static const TorchVariant loop("vanilla_torch",
                                 "the loop over experts in PyTorch itself, backward by autograd",
                                 Experts::loop, common_reason);
  static const TorchVariant grouped("torch_grouped_mm",
                                    "PyTorch's torch._grouped_mm over sorted rows, index_add_",
                                    Experts::grouped, grouped_mm_reason);
  return {&loop, &grouped};
}

}  // namespace moe::torch_rows
