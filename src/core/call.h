// What a layer of any backend does around its work: refuse calls that it was not planned for, and
// mark its steps for a probe.
#pragma once

#include <cstdint>
#include <string_view>

#include "moe/variant.h"

namespace moe {

/// Throws Error{usage} when a call has more tokens than the layer was planned for.
void require_planned(const Request& request, std::int64_t tokens);

/// Throws Error{usage} when the layer was planned for inference alone.
void require_training(const Request& request);

/// Marks one step for the probe, if there is one.
class StepScope {
 public:
  StepScope(Probe* probe, std::string_view step);
  /// A backend's call in progress, which carries the probe.
  template <class Pass>
  StepScope(const Pass& pass, std::string_view step) : StepScope(pass.probe, step) {}
  ~StepScope();
  StepScope(const StepScope&) = delete;
  StepScope& operator=(const StepScope&) = delete;

 private:
  Probe* probe_;
  std::string_view step_;
};

}  // namespace moe
