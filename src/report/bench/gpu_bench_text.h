// The shipped measurements of a GPU as a table: what `show h200` prints.
#pragma once

#include <string>

#include "record/gpu_bench.h"

namespace moe::report {

/// One line per shape and variant: times, TFLOP/s and shares of the dense bound of the same run.
std::string gpu_bench_text(const record::GpuBench& bench);

}  // namespace moe::report
