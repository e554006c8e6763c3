// --resume: an interrupted run goes on as if nothing had happened.
#pragma once

#include <filesystem>

#include "bench/options.h"
#include "record/record.h"

namespace moe::programs {

/// Where --resume points to. Throws Error{usage} when there is no such run.
std::filesystem::path folder_to_resume(const BenchOptions& options);

/// The options that the saved run was started with, where the command line says nothing of what is
/// measured; else those of the command line. Flags of the group "Output" are always the command
/// line's.
BenchOptions options_to_resume(const BenchOptions& given, const record::Run& saved);

/// Makes `run` the saved one, so far: its id, command, ceilings. Throws Error{usage} that names the
/// first thing in which the request, a shape, the machine or the program differ.
void go_on_with(const record::Run& saved, record::Run& run);

}  // namespace moe::programs
