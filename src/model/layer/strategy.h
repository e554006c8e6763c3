// Ways to need less memory: what each saves on one layer, and what it costs in arithmetic, traffic
// and time. Each is a change of the layer's setup, so that they can be combined, and bytes come
// from plans, laid out as a variant's own plan is.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/layer/layer_memory.h"
#include "model/layer/work.h"

namespace moe::model {

/// In the order in which several are applied to one layer.
enum class StrategyKind {
  memory_minimal,        // sonic's backward: neither gathered X, nor A, nor Y is kept
  chunk,                 // the batch in N parts: transient tensors of one part at a time
  in_place_dh,           // dH over H
  recompute_activation,  // A again from H in backward
  fp8_activations,  // saved tensors in 8 bits with one float32 scale per 128 (X stays as it is)
  offload,          // saved tensors wait in host memory between the passes
  recompute_layer,  // forward again in backward: X alone is kept
  expert_parallel,  // routed experts over N devices
  zero,             // optimiser, gradients, weights over N data-parallel ranks
};

struct Strategy {
  StrategyKind kind = StrategyKind::chunk;
  std::int64_t parts = 1;  // chunks, or ranks
  int zero_stage = 0;
};

/// "chunk:4", "expert-parallel:8", "zero:1:8", "recompute-layer". Throws Error{usage} with the
/// nearest name.
Strategy parse_strategy(std::string_view text);
std::string to_string(const Strategy& strategy);
/// As `list` and errors show them: "chunk:N", "zero:STAGE:N".
std::vector<std::string> strategy_forms();
/// One of each, with the numbers that `--strategy all` means.
std::vector<Strategy> all_strategies();

/// What a strategy adds to one forward and backward pass of the layer.
struct Price {
  double flops = 0;
  double memory_bytes = 0;  // to and from device memory
  double link_bytes = 0;    // sent to other devices
  double host_bytes = 0;    // to and from host memory
  double seconds = 0;       // at the given rates, nothing overlapped
};

/// The layer as a strategy leaves it.
struct Changed {
  std::string not_applicable;  // why it cannot be asked of this variant; then nothing else is set
  LayerSetup setup;
  Price price;
  std::string variant;       // whose plan it is now
  bool implemented = false;  // a layer of this library runs exactly this plan
  std::string remark;        // what was changed
  /// What it is compared with, where that is not the setup that came in: a variant may do already
  /// what the strategy asks for.
  std::optional<LayerSetup> without;
};

/// Makes plans: variant name and request in, plan out.
using PlanMaker = std::function<Plan(std::string_view variant, const Request& request)>;

struct StrategyContext {
  PlanMaker plan;
  std::size_t alignment = 1;  // of buffers, for plans that are laid out anew
  Rates rates;
};

/// `setup` is of a training plan of `variant`.
Changed apply(const Strategy& strategy, std::string_view variant, const LayerSetup& setup,
              const StrategyContext& context);

}  // namespace moe::model
