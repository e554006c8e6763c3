// What the CPU variants share: router, shared expert and bookkeeping. A variant adds its experts.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/arena.h"
#include "core/call.h"
#include "cpu/gemm.h"
#include "moe/variant.h"

namespace moe::cpu {

/// One call in progress: everything that a step reads, in one place.
struct Pass {
  const LayerConfig& config;
  const Weights& weights;
  const Inputs& inputs;
  Arena arena;
  Gemm& gemm;
  Probe* probe;
  std::int64_t tokens;

  TensorView buffer(std::string_view name) const { return arena[name]; }
  const std::int32_t* expert_offsets() const { return arena.get<std::int32_t>("expert_offsets"); }
  const std::int32_t* row_tokens() const { return arena.get<std::int32_t>("row_tokens"); }
  const float* row_scores() const { return arena.get<float>("row_scores"); }
  const std::int32_t* token_offsets() const { return arena.get<std::int32_t>("token_offsets"); }
  const std::int32_t* token_rows() const { return arena.get<std::int32_t>("token_rows"); }
  std::int64_t num_rows() const { return expert_offsets()[config.num_experts]; }

  /// C = A B or C += A B with the arena's scratchpad.
  void multiply(Matrix a, Matrix b, Matrix c, Accumulate accumulate = Accumulate::overwrite) const;
};

class CpuLayer : public Layer {
 public:
  explicit CpuLayer(Plan plan) : plan_(std::move(plan)) {}

  void forward(const Call& call, const Weights& weights, const Inputs& inputs,
               const Outputs& outputs) final;
  void backward(const Call& call, const Weights& weights, const Inputs& inputs, TensorView d_out,
                const InputGradients& gradients) final;
  Routing routing(Memory saved, std::int64_t tokens) const final;

 protected:
  /// Writes all of `out`.
  virtual void experts_forward(const Pass& pass, TensorView out) = 0;
  /// Writes all of d_x, the buffer "d_scores" and the wanted expert gradients.
  virtual void experts_backward(const Pass& pass, TensorView d_out,
                                const InputGradients& gradients) = 0;
  /// A variant may find the rows of each expert itself, inside experts_forward().
  virtual bool finds_rows_itself(const Inputs&) const { return false; }

  const Plan& plan() const { return plan_; }

 private:
  Pass start(const Call& call, const Weights& weights, const Inputs& inputs);

  Plan plan_;
  Gemm gemm_;
};

}  // namespace moe::cpu
