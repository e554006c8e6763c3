// The CPU variants: a plan of src/plan joined with a layer of this folder.
#include <memory>
#include <string>

#include "cpu/experts.h"
#include "cpu/gemm.h"
#include "cpu/grouped_gemm.h"
#include "cpu/sonic.h"
#include "cpu/vanilla.h"
#include "plan/algorithms.h"

namespace moe::cpu {
namespace {

void name_kernels(std::vector<Step>& steps) {
  for (Step& step : steps) step.kernel = step.flops > 0 ? gemm_library_name() : "OpenMP loop";
}

template <class LayerType>
class CpuVariant final : public Variant {
 public:
  using MakePlan = Plan (*)(const Request&, const DeviceTraits&, const plan::KernelScratch&);
  CpuVariant(std::string_view name, std::string_view summary, MakePlan make_plan)
      : name_(name), summary_(summary), make_plan_(make_plan) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override { return summary_; }

  std::optional<std::string> unsupported(const Request& request,
                                         const DeviceTraits& traits) const override {
    const DType dtype = request.config.dtype;
    if (dtype == DType::f32 || dtype == DType::f16) return {};
    if (dtype != DType::bf16) return "the CPU backend computes in fp32, bf16 or fp16";
    if (traits.has_bf16) return {};
    return "this processor has no bfloat16 arithmetic (AVX512_BF16 or AMX); use --dtype fp32 or "
           "fp16";
  }

  Plan plan(const Request& request, const DeviceTraits& traits) const override {
    Plan plan = make_plan_(request, traits, {});
    name_kernels(plan.forward);
    name_kernels(plan.backward);
    return plan;
  }

  std::unique_ptr<Layer> make_layer(const Plan& plan, DeviceId) const override {
    return std::make_unique<LayerType>(plan);
  }

 private:
  std::string_view name_, summary_;
  MakePlan make_plan_;
};

}  // namespace

std::vector<const Variant*> cpu_variants() {
  static const CpuVariant<VanillaLayer> vanilla(
      "vanilla", "the loop over experts that PyTorch users write", plan::vanilla);
  static const CpuVariant<GroupedGemmLayer> grouped_gemm(
      "grouped_gemm", "rows sorted by expert, one grouped GEMM per projection", plan::grouped_gemm);
  static const CpuVariant<SonicLayer> sonic(
      "sonic", "SonicMoE: keeps only X and H, recomputes A, dS = <dA', A>", plan::sonic);
  return {&vanilla, &grouped_gemm, &sonic};
}

}  // namespace moe::cpu
