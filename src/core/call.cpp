// The one wording of these refusals.
#include "core/call.h"

#include <string>

#include "moe/error.h"

namespace moe {

void require_planned(const Request& request, std::int64_t tokens) {
  if (tokens <= request.max_tokens) return;
  throw Error(ErrorKind::usage, "the layer was planned for fewer tokens",
              std::to_string(tokens) + " given, " + std::to_string(request.max_tokens) + " planned",
              "plan with a larger Request::max_tokens");
}

void require_training(const Request& request) {
  if (request.training) return;
  throw Error(ErrorKind::usage, "backward() of a layer that was planned for inference", "",
              "plan with Request::training = true");
}

StepScope::StepScope(Probe* probe, std::string_view step) : probe_(probe), step_(step) {
  if (probe_ != nullptr) probe_->begin(step_);
}

StepScope::~StepScope() {
  if (probe_ != nullptr) probe_->end(step_);
}

}  // namespace moe
