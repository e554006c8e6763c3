// The contract of an MoE implementation.
//
//   Variant  stateless: says what it supports and plans memory and steps
//   Plan     a printable value, made without touching a device
//   Layer    owns library handles, never tensor memory; runs forward and backward
//
// The caller owns every tensor, two memory regions and the stream. `saved` is written by forward()
// and read by backward() (one per layer in flight); `workspace` is scratch that layers share.
// Neither call allocates tensor memory, unless Variant::is_framework() says so, and neither waits
// for the device unless Plan::waits_for_device says so.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moe/config.h"
#include "moe/device.h"
#include "moe/layer.h"
#include "moe/routing.h"

namespace moe {

/// What a layer shall be able to run.
struct Request {
  LayerConfig config;
  std::int64_t max_tokens = 0;
  std::int64_t max_rows = 0;  // from max_routed_rows(), or less when the caller knows its routing
  bool training = true;       // false: forward only, nothing is saved but routing
  bool keep_saved = false;    // forbids backward to overwrite `saved` (needed to replay it alone)
};

enum class Region { saved, workspace };

struct Buffer {
  std::string name;
  Region region = Region::workspace;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::size_t offset = 0;  // bytes from the start of its region
  std::size_t bytes = 0;   // of the contents; the next buffer starts at the next aligned offset
  int first_step = 0;      // steps are numbered through forward, then backward
  int last_step = 0;
};

struct Step {
  std::string name;    // "up_proj", used by probes and breakdowns
  std::string kernel;  // the instance that runs it
  double flops = 0;    // multiply-add = 2
  double bytes = 0;    // fewest bytes to and from device memory
};

/// Memory and work of one layer on one device. A pure function of Request and DeviceTraits.
struct Plan {
  Request request;
  std::vector<Buffer> buffers;
  std::vector<Step> forward;
  std::vector<Step> backward;
  std::size_t saved_bytes = 0;      // size of the saved region
  std::size_t workspace_bytes = 0;  // size of the workspace region: its peak over all steps
  bool waits_for_device = false;    // forward() or backward() reads device results on the host
  bool capturable = true;           // fits into a CUDA graph
  bool deterministic = true;        // equal inputs give equal bits
};

/// Marks steps in a pass of its own; timed passes carry none.
class Probe {
 public:
  virtual ~Probe() = default;
  virtual void begin(std::string_view step) = 0;
  virtual void end(std::string_view step) = 0;
};

/// What the layer of a framework took from its own allocator, beside the regions.
struct OwnMemory {
  std::int64_t saved_bytes = 0;  // held from forward() to backward()
  std::int64_t peak_bytes = 0;   // most at one time, in either call
};

struct Call {
  Stream stream;
  Memory saved;      // at least Plan::saved_bytes
  Memory workspace;  // at least Plan::workspace_bytes
  Probe* probe = nullptr;
  OwnMemory* own_memory =
      nullptr;  // wanted: a framework's layer counts into it; timed passes don't
};

struct Inputs {
  TensorView x;                     // [T, d]
  TensorView logit_offsets;         // f32 [T, E], added to the logits (synthetic traffic), or empty
  const Routing* given = nullptr;   // the caller's own routing: the router is skipped
  std::uint64_t rounding_seed = 0;  // of the stochastic rounding rules: another one at every step
};

struct Outputs {
  TensorView out;     // [T, d]
  TensorView logits;  // f32 [T, E], or empty: a copy for verification and load metrics
};

struct InputGradients {
  TensorView d_x;  // [T, d]
  TensorView
      d_scores;  // f32 [max_rows], or empty; takes the place of d_w_router when routing is given
  Gradients weights;
  Accumulate accumulate = Accumulate::overwrite;  // for `weights`; d_x and d_scores are overwritten
};

class Layer {
 public:
  virtual ~Layer() = default;
  virtual void forward(const Call& call, const Weights& weights, const Inputs& inputs,
                       const Outputs& outputs) = 0;
  /// `inputs` are those of the forward call whose `saved` is passed. d_out: [T, d].
  virtual void backward(const Call& call, const Weights& weights, const Inputs& inputs,
                        TensorView d_out, const InputGradients& gradients) = 0;
  /// The routing that the last forward() wrote into `saved`, for `tokens` tokens.
  virtual Routing routing(Memory saved, std::int64_t tokens) const = 0;
};

class Variant {
 public:
  virtual ~Variant() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view summary() const = 0;  // one line for `list`
  /// True where the layer is made of a framework's own operators (PyTorch): it allocates beside the
  /// regions, which only a run can measure (Call::own_memory); its top-k breaks ties as it likes
  /// and rounds scores in its own way; and it is run when it is named, not among `all`.
  virtual bool is_framework() const { return false; }
  /// Why this variant cannot run the request on that device; empty = it can.
  virtual std::optional<std::string> unsupported(const Request& request,
                                                 const DeviceTraits& traits) const = 0;
  virtual Plan plan(const Request& request, const DeviceTraits& traits) const = 0;
  virtual std::unique_ptr<Layer> make_layer(const Plan& plan, DeviceId device) const = 0;
};

}  // namespace moe
