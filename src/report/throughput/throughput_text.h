// The screens of `throughput`.
#pragma once

#include <string>

#include "model/step/estimate.h"

namespace moe::report {

/// Lines that say what is asked and on which assumptions, each beginning with '#'.
std::string throughput_header(const model::EstimateRequest& request);

/// Tables per scope, memory and time of the plan, scaling.
std::string throughput_tables(const model::EstimateRequest& request,
                              const model::Estimate& estimate);

/// Every factor with its three values and where they come from.
std::string factors_text();

}  // namespace moe::report
