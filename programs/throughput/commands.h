// The commands of throughput. Each returns an exit code and throws Error.
#pragma once

#include "throughput/options.h"

namespace moe::programs {

int run_throughput(ThroughputOptions options);
int validate_command(const ThroughputOptions& options);
int check_table_command(const ThroughputOptions& options);
int factors_command();

}  // namespace moe::programs
