// What `run` leaves on disk: the folder of its run, its pictures, dumped tensors.
#pragma once

#include "bench/options.h"
#include "cli/progress.h"
#include "record/record.h"
#include "record/store.h"

namespace moe::programs {

/// Refuses a dump above its limit or into a folder that cannot be written, and announces the
/// others. Throws Error{usage} or Error{output}.
void check_dump_size(const BenchOptions& options, Progress& progress);

/// Writes the finished run, its tables and its pictures, and prints what was written. Throws
/// Error{output}; pictures that cannot be drawn are a warning.
void write_reports(const BenchOptions& options, const record::Run& run,
                   const record::RunStore& store, Progress& progress);

}  // namespace moe::programs
