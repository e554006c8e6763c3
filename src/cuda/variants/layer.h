// What the CUDA variants share: router, bookkeeping and the call in progress. Host code only; every
// kernel is behind a plain contract. A variant adds its experts, and a shared expert of its own
// where it is to run on any GPU.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "core/arena.h"
#include "core/call.h"
#include "cuda/kernels/gemm/select_tile.h"
#include "cuda/runtime/blas.h"
#include "moe/variant.h"

namespace moe::cuda {

/// Rows that tiles are chosen for, by the plan and by every pass alike: T*K, though rounding may
/// add to them, or fewer where the request says so.
inline std::int64_t expected_rows(const Request& request) {
  return std::min(request.max_rows, request.max_tokens * request.config.top_k);
}

/// One call in progress: everything that a step reads, in one place. Pointers are device memory.
struct Pass {
  const LayerConfig& config;
  const Weights& weights;
  const Inputs& inputs;
  Arena arena;
  Blas& blas;
  cudaStream_t stream;
  Card card;
  std::int64_t max_rows;  // rows that buffers hold; how many are used stands in expert_offsets[E],
                          // on the device
  std::int64_t expected_rows;  // expected_rows() of the request
  std::int64_t max_tokens;     // tokens that buffers hold
  Probe* probe;
  std::int64_t tokens;
  bool sums_router_part;  // experts_backward() puts the router's part into d_x as well

  TensorView buffer(std::string_view name) const { return arena[name]; }
  std::int32_t* expert_offsets() const { return arena.get<std::int32_t>("expert_offsets"); }
  std::int32_t* row_tokens() const { return arena.get<std::int32_t>("row_tokens"); }
  float* row_scores() const { return arena.get<float>("row_scores"); }
  std::int32_t* token_offsets() const { return arena.get<std::int32_t>("token_offsets"); }
  std::int32_t* token_rows() const { return arena.get<std::int32_t>("token_rows"); }
  int num_experts() const { return static_cast<int>(config.num_experts); }
  int hidden_dim() const { return static_cast<int>(config.hidden_dim); }
  int ffn_dim() const { return static_cast<int>(config.ffn_dim); }
  int up_dim() const { return static_cast<int>(config.up_dim()); }
  /// True where gate and up rows of W_up stand in turns.
  bool up_is_interleaved() const {
    return is_gated(config.activation) && config.up_layout == UpLayout::interleaved;
  }
  /// Scratch of a bias's gradient, in layers with biases.
  float* bias_chunk_sums() const { return arena.get<float>("bias_chunk_sums"); }
  /// Scratch of a product whose CTAs are to keep in step.
  unsigned* turns(bool in_step) const {
    return in_step ? arena.get<unsigned>("gemm_turns") : nullptr;
  }
  /// Scratch of streamed tiles; null where the plan found that no product has one.
  void* stream_scratch() const {
    return arena.has("stream_scratch") ? buffer("stream_scratch").data : nullptr;
  }
};

class CudaLayer : public Layer {
 public:
  CudaLayer(Plan plan, DeviceId device);

  void forward(const Call& call, const Weights& weights, const Inputs& inputs,
               const Outputs& outputs) final;
  void backward(const Call& call, const Weights& weights, const Inputs& inputs, TensorView d_out,
                const InputGradients& gradients) final;
  Routing routing(Memory saved, std::int64_t tokens) const final;

 protected:
  /// True where experts_backward() puts the router's part into d_x as well, if there is a router.
  virtual bool sums_router_part() const { return false; }
  /// Writes all of `out`.
  virtual void experts_forward(const Pass& pass, TensorView out) = 0;
  /// Writes all of d_x, the buffer "d_scores" and the wanted expert gradients.
  virtual void experts_backward(const Pass& pass, TensorView d_out,
                                const InputGradients& gradients) = 0;
  /// Adds to `out`. On Hopper kernels, as is its backward pass, unless a variant has another.
  virtual void shared_forward(const Pass& pass, TensorView out);
  /// Adds to d_x and writes the wanted shared gradients.
  virtual void shared_backward(const Pass& pass, TensorView d_out, const InputGradients& gradients);

  const Plan& plan() const { return plan_; }

 private:
  Pass start(const Call& call, const Weights& weights, const Inputs& inputs);

  Plan plan_;
  Blas blas_;
  Card card_;
};

}  // namespace moe::cuda
