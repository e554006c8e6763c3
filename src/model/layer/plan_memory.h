// Does a parallel plan fit? Bytes on the fullest GPU of a training run, part by part.
#pragma once

#include "model/cluster/network.h"
#include "model/cluster/parallel_plan.h"
#include "model/layer/training_state.h"
#include "moe/config.h"

namespace moe::model {

/// What is trained, on what, how.
struct TrainingSetup {
  ModelConfig model;
  GpuPreset gpu;
  Network network;
  std::string variant = "sonic";  // of the MoE layers
  bool fp8 = false;               // GEMMs in 8 bits; weights stay 16-bit, dispatch sends one byte
  bool graphs = true;             // CUDA graphs or a compiler: less host work per layer
  Optimizer optimizer = Optimizer::adamw;
  DType gradient_dtype = DType::f32;
  std::int64_t node_limit = 0;   // nodes that a token's experts may lie on; 0 = no limit
  double exchange_sm_share = 0;  // of the SMs set aside to send (DeepSeek-V3: 20 of 132)
};

struct MemoryParts {
  double weights = 0, gradients = 0, optimizer = 0;
  double activations = 0;  // saved for backward by every micro-batch in flight
  double workspace = 0;    // of the layer at work or the logits, and layers that ZeRO 3 gathers
  double exchange = 0;     // buffers of the expert exchange
  double reserved = 0;     // driver, libraries, fragmentation

  double total() const {
    return weights + gradients + optimizer + activations + workspace + exchange + reserved;
  }
};

/// Bytes on the fullest rank of a plan that plan_problem() accepts.
MemoryParts plan_memory(const ParallelPlan& plan, const TrainingSetup& setup);

/// Bytes of a GPU that are left to nobody: 2 GiB of context and libraries, 3 % of fragmentation.
double reserved_bytes(const GpuPreset& gpu);

/// Tokens that one rank brings to one MoE layer in a micro-batch.
std::int64_t rank_tokens(const ParallelPlan& plan, const ModelConfig& model);

}  // namespace moe::model
