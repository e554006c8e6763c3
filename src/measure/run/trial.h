// One variant, ready to run: its plan, its layer, and memory that all trials of a comparison share.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "measure/problem/device_buffer.h"
#include "measure/problem/given_routing.h"
#include "measure/problem/problem.h"
#include "measure/problem/variant_choice.h"
#include "measure/run/sampler.h"
#include "measure/run/turn.h"
#include "measure/verify/verify.h"

namespace moe::measure {

/// Memory for the two regions of any plan, and outputs. `region_bytes` is the most that one plan
/// needs for both: variants with much to save and variants with much scratch use the same memory.
class Workbench {
 public:
  Workbench(Device& device, const LayerConfig& config, std::int64_t tokens, std::int64_t max_rows,
            bool training, std::size_t region_bytes);

  /// Sets every byte so that unwritten floats are NaN.
  void poison(Device& device);

  /// The regions of `plan`, one behind the other.
  Call call(Device& device, const Plan& plan, Probe* probe = nullptr) const;
  /// The memory of both regions, for whoever runs between variants.
  Memory regions() const { return regions_.memory(); }
  Outputs outputs(bool with_logits) const;
  InputGradients gradients(bool with_scores) const;

  /// A tensor of the workbench as the host sees it: where memory is not the host's, a copy. Every
  /// trial's lies in the same memory, for fresh pages cost the host as much as the copy does.
  TensorView on_host(Device& device, TensorView view);

 private:
  std::map<const void*, std::vector<std::byte>> host_copies_;  // by where the tensor lies
  DeviceBuffer regions_, outputs_, logits_, d_scores_, gradient_memory_;
  TensorView out_, d_x_, logits_view_, d_scores_view_;
  Gradients gradients_;
};

class Trial {
 public:
  /// With a given routing the router is skipped, and every pass ends at d_scores.
  Trial(Device& device, const VariantChoice& choice, const Plan& plan, const Problem& problem,
        Workbench& workbench, const GivenRouting* given = nullptr);

  /// Timed passes: nothing but forward() and backward() lies between the clock readings.
  std::vector<PassSeconds> run(const TurnPace& pace);

  /// The same passes, untimed, for as long (turn.h).
  void settle(double seconds);

  /// One phase, untimed and without waiting for it. Backward follows its forward.
  void forward(Probe* probe);
  void backward(Probe* probe);

  /// One untimed pass on poisoned memory, its results brought to the host. The views in the result
  /// show the workbench until the next pass.
  HostResult run_for_check();

  /// What a framework's layer allocated itself in the last run_for_check().
  const OwnMemory& own_memory() const { return own_memory_; }

  /// Captures both phases, so that run() times their replays too. A replay on poisoned memory must
  /// give the bits of the call that was captured. Returns why there are no graphs; empty when there
  /// are, or when the device has none at all. Kernels must have run before.
  std::string capture_graphs();

  bool has_graphs() const { return forward_graph_ != nullptr; }
  /// The same as forward() and backward(), by their graphs.
  void replay_forward() { forward_graph_->replay(); }
  void replay_backward() { backward_graph_->replay(); }

  const VariantChoice& choice() const { return choice_; }
  const Plan& plan() const { return plan_; }

 private:
  PassSeconds run_once();
  Inputs inputs() const;
  InputGradients gradients(bool for_check) const;
  void copy_choice(HostResult& result, const Routing& routing) const;
  std::vector<std::size_t> result_hashes();
  void copy_routing(HostResult& result) const;
  void bring_gradients(HostResult& result);

  Device& device_;
  VariantChoice choice_;
  Plan plan_;
  const Problem& problem_;
  Workbench& workbench_;
  const GivenRouting* given_;
  std::unique_ptr<Layer> layer_;
  std::unique_ptr<Graph> forward_graph_, backward_graph_;
  OwnMemory own_memory_;
  std::unique_ptr<ExpertImage> gradient_image_;  // of the last check, off the host
};

}  // namespace moe::measure
