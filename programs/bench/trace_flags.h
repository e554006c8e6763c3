// Flags of `record` and `convert`.
#pragma once

#include "bench/options.h"
#include "bench/run_flags.h"

namespace CLI {
class App;
}

namespace moe::programs {

/// Parsing fills `raw.shape` and `options`.
void add_record_flags(CLI::App& app, RawFlags& raw, BenchOptions& options);
void add_convert_flags(CLI::App& app, BenchOptions& options);

/// The shape of `record` after parsing. Throws Error{usage}, also for several shapes.
void finish_record_options(const RawFlags& raw, BenchOptions& options);

}  // namespace moe::programs
