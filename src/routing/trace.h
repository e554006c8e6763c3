// Recorded routing: which experts the tokens of each layer went to, as a router chose them. Traces
// come from a model, from this suite's own router, or from arrays; docs/trace_format.md is the
// format's page.
//
//   header   256 bytes: magic, version, checksum, L, T, E, K, flags, origin
//   layer 0  experts i32 [T, K] | scores f32 [T, K], with flag 1 | logits f32 [T, E], with flag 2
//   layer 1  ...                                                   little-endian, no gaps
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moe::routing {

inline constexpr std::string_view kTraceMagic = "MOETRACE";
inline constexpr std::size_t kTraceHeaderBytes = 256;
inline constexpr std::size_t kMostOriginBytes = 200;
inline constexpr std::int64_t kMostTraceExperts = 65'536;
inline constexpr std::int64_t kMostTraceLayers = 65'536;

/// The choice of one router, before any rounding.
struct TraceLayer {
  std::vector<std::int32_t> experts;  // [T, K], different ones in a token
  std::vector<float> scores;          // [T, K], or empty
  std::vector<float> logits;          // [T, E], or empty; what rounding ranks unchosen pairs by
};

struct Trace {
  std::int64_t tokens = 0;         // [T]
  std::int64_t num_experts = 0;    // [E]
  std::int64_t top_k = 0;          // [K]
  std::vector<TraceLayer> layers;  // scores in all or in none, and so with logits
  std::string origin;              // what made it, for readers; cut to kMostOriginBytes in the file

  bool has_scores() const { return !layers.empty() && !layers.front().scores.empty(); }
  bool has_logits() const { return !layers.empty() && !layers.front().logits.empty(); }
};

/// Throws Error{usage} unless sizes agree, 1 <= K <= E, experts are in [0, E) and differ within a
/// token, and scores and logits are finite. `name` begins the message: a file.
void check_trace(const Trace& trace, const std::string& name);

/// The file's contents. Throws as check_trace() does.
std::string trace_bytes(const Trace& trace);

/// The trace in `bytes`, checked. Throws Error{usage} with the place for whatever is wrong; nothing
/// is allocated for a header whose claims do not match the number of bytes.
Trace parse_trace(std::string_view bytes, const std::string& name);

/// True for bytes that begin as a trace does.
inline bool is_trace(std::string_view bytes) {
  return bytes.starts_with(kTraceMagic);
}

/// What tells traces apart in records: the checksum of a file that parse_trace() accepts, as
/// "crc32:1a2b3c4d".
std::string trace_hash(std::string_view bytes);

}  // namespace moe::routing
