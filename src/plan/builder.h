// Collects the steps and buffers of an algorithm and lays buffers out in their regions.
//
// Workspace buffers whose lives (first step .. last step) do not overlap share addresses:
//
//   step        0   1   2   3   4
//   logits      [###]
//   a               [#######]            <- may lie where logits was
//   y                   [#######]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moe/variant.h"

namespace moe::plan {

class Builder {
 public:
  Builder(const Request& request, const DeviceTraits& traits);

  /// Steps must be added before the buffers that name them.
  void forward_step(std::string name, double flops, double bytes);
  void backward_step(std::string name, double flops, double bytes);

  /// A buffer of the saved region: lives from forward to the end of backward.
  void saved(std::string name, DType dtype, std::vector<std::int64_t> shape);
  /// A buffer of the workspace that lives from step `first` to step `last`, both included.
  void workspace(std::string name, DType dtype, std::vector<std::int64_t> shape,
                 std::string_view first, std::string_view last);
  /// A workspace buffer that lives through all steps.
  void workspace(std::string name, DType dtype, std::vector<std::int64_t> shape);

  /// Assigns offsets and returns the plan.
  Plan finish();

 private:
  int step_index(std::string_view name) const;
  int num_steps() const;

  Plan plan_;
  std::size_t alignment_;
};

/// The same buffers with other sizes, lives or regions, placed anew: for "what if" questions. Such
/// a plan has no layer that could run it.
Plan lay_out(Plan plan, std::size_t alignment);

/// What backward() needs again: the saved region and the layer's input X, which the caller keeps.
std::size_t saved_for_backward_bytes(const Plan& plan);

}  // namespace moe::plan
