// Flags of `memory_analysis run`, as given and as understood.
#pragma once

#include <string>
#include <vector>

#include "cli/shape_flags.h"
#include "memory/options.h"

namespace CLI {
class App;
}

namespace moe::programs {

/// What needs more than a parser: kept as given until finish_memory_options().
struct MemoryFlags {
  ShapeFlags shape;
  std::string mode = "forward_backward", optimizer = "adamw", capacity;
  std::vector<std::string> strategies;
};

/// Adds every flag of `run` to `app`; parsing fills `flags` and `options`.
void add_memory_flags(CLI::App& app, MemoryFlags& flags, MemoryOptions& options);

/// --steps, of `run` and `show`.
void add_steps_flag(CLI::App& app, MemoryOptions& options);

/// Turns `flags` into options after parsing. Throws Error{usage}.
void finish_memory_options(const MemoryFlags& flags, MemoryOptions& options);

}  // namespace moe::programs
