// Trace files for a comparison: read, checked against its configuration, and cut to its tokens.
#pragma once

#include <filesystem>
#include <string>

#include "moe/config.h"
#include "routing/trace.h"
#include "routing/traffic.h"

namespace moe::measure {

/// One layer of a trace, ready to be replayed.
struct TraceInput {
  routing::TraceLayer layer;  // of the configuration's T tokens
  std::string hash;           // of the whole file: "crc32:1a2b3c4d"
};

/// Whether the file begins as a trace does; false when it cannot be read.
bool is_trace_file(const std::filesystem::path& file);

/// The layer that `traffic` of kind trace names: the first T tokens of it. Throws Error{usage} when
/// the file is not a trace, lacks the layer, has fewer tokens, or another E or K than `model`.
TraceInput load_trace(const routing::Traffic& traffic, const ModelConfig& model);

}  // namespace moe::measure
