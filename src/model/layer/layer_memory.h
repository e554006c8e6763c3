// What lies in a device's memory while one layer works: states of its parameters, what forward
// keeps for backward, and what lives at the fullest moment, tensor by tensor. It is read off the
// plan, so that it cannot differ from what a variant is lent; the parts sum exactly to the total.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/layer/training_state.h"
#include "moe/variant.h"

namespace moe::model {

/// In the order of tables.
enum class Part {
  expert_weights,  // of routed experts
  other_weights,   // router, shared expert, selection bias
  gradients,
  optimizer,
  saved,          // kept for backward: X and the variant's own tensors
  routing,        // saved or transient: choice, offsets, permutation, logits and their gradients
  in_out,         // out in forward, d_out and d_x in backward
  workspace,      // transient tensors of the experts
  library,        // scratch lent to the GEMM library
  gaps,           // of the two regions: alignment, holes, and what only other steps need
  communication,  // send and receive buffers of expert parallelism
};
inline constexpr int kNumParts = 11;
std::string_view name_of(Part part);

enum class Phase {
  inference,  // forward of a plan that keeps nothing
  forward,    // of training
  backward,
};
constexpr std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::inference: return "inference";
    case Phase::forward: return "forward";
    case Phase::backward: return "backward";
  }
  return "?";
}

struct Tensor {
  std::string name;  // the plan's buffer, or "x", "d_out", "expert weights"
  Part part = Part::workspace;
  std::int64_t bytes = 0;
};

/// The fullest moment of one phase.
struct Composition {
  Phase phase = Phase::forward;
  std::string step;             // where it is
  std::vector<Tensor> tensors;  // by part, then as the plan lists them; nothing of 0 bytes

  std::int64_t of(Part part) const;
  std::int64_t total() const;
};

/// What stays in device memory between a layer's forward and its backward.
enum class Held {
  saved,   // X and what the plan saves
  input,   // X and the routing: the layer is run again in backward
  nothing  // the routing alone: the rest waits in host memory
};

/// One layer on one device. Aggregate: start from a plan and change what is asked about.
struct LayerSetup {
  Plan plan;               // of one call
  std::int64_t calls = 1;  // a batch cut into this many chunks, each with a saved region of its own
  StateRules states;
  std::int64_t expert_ranks = 1;         // expert parallelism: this device holds E / ranks experts
  std::int64_t communication_bytes = 0;  // its send and receive buffers
  Held held = Held::saved;

  const LayerConfig& config() const { return plan.request.config; }
  std::int64_t tokens() const { return calls * plan.request.max_tokens; }
};

/// States of one layer's parameters on this device: the experts' and all others'.
struct LayerStates {
  StateBytes experts, others;
};
LayerStates layer_states(const LayerSetup& setup);

/// Phase::inference needs a plan without training, the other two one with it. Throws
/// Error{internal} otherwise.
Composition composition(const LayerSetup& setup, Phase phase);

/// The larger of forward and backward, or inference's: what a device must have.
Composition peak(const LayerSetup& setup);

/// Bytes per layer between the passes: what a model holds of every layer but the one at work.
std::int64_t held_bytes(const LayerSetup& setup);

/// True for buffers of the router, by the plan's names.
bool is_routing_buffer(std::string_view name);

}  // namespace moe::model
