// Traces to bytes and back. Every claim of a header is compared with the number of bytes before
// anything is allocated, and every value is checked before anything is computed from it.
#include "routing/trace.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "core/crc32.h"
#include "moe/error.h"

namespace moe::routing {
namespace {

static_assert(std::endian::native == std::endian::little,
              "traces are written as memory holds them");

constexpr std::uint32_t kVersion = 1;
constexpr std::uint64_t kHasScores = 1, kHasLogits = 2;

/// As it lies in the file.
struct Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t checksum;  // CRC-32 of everything behind it
  std::uint64_t num_layers, tokens, num_experts, top_k, flags;
  char origin[kMostOriginBytes];  // padded with zeros
};
static_assert(sizeof(Header) == kTraceHeaderBytes);
constexpr std::size_t kChecked = offsetof(Header, num_layers);  // where checked bytes begin

[[noreturn]] void fail(const std::string& name, const std::string& why,
                       const std::string& remedy = "docs/trace_format.md has the format") {
  throw Error(ErrorKind::usage, name, why, remedy);
}

void check_sizes(const std::string& name, std::uint64_t layers, std::uint64_t tokens,
                 std::uint64_t num_experts, std::uint64_t top_k) {
  constexpr std::uint64_t kMostPairs = std::numeric_limits<std::int32_t>::max();
  const auto require = [&](bool holds, const std::string& why) {
    if (!holds) fail(name, why);
  };
  require(layers >= 1 && layers <= kMostTraceLayers,
          std::to_string(layers) + " layers; a trace has 1 to 65,536");
  require(num_experts >= 1 && num_experts <= kMostTraceExperts,
          std::to_string(num_experts) + " experts; a trace has 1 to 65,536");
  require(top_k >= 1 && top_k <= num_experts,
          "top-k " + std::to_string(top_k) + " of " + std::to_string(num_experts) + " experts");
  require(tokens >= 1 && tokens <= kMostPairs / top_k,
          std::to_string(tokens) + " tokens; pairs are counted in 32 bits");
}

/// Bytes of one layer; sizes are checked, so they fit.
std::uint64_t layer_bytes(const Header& header) {
  const std::uint64_t pairs = header.tokens * header.top_k;
  return sizeof(std::int32_t) * pairs + (header.flags & kHasScores ? sizeof(float) * pairs : 0) +
         (header.flags & kHasLogits ? sizeof(float) * header.tokens * header.num_experts : 0);
}

template <class Element>
void append(std::string& bytes, const std::vector<Element>& values) {
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Element));
}

/// Takes `count` elements from the front of `bytes`.
template <class Element>
std::vector<Element> take(std::string_view& bytes, std::uint64_t count) {
  std::vector<Element> values(count);
  std::memcpy(values.data(), bytes.data(), count * sizeof(Element));
  bytes.remove_prefix(count * sizeof(Element));
  return values;
}

/// Bytes of `text` that fit into a header, without half a UTF-8 character at their end.
std::size_t whole_characters(const std::string& text) {
  if (text.size() <= kMostOriginBytes) return text.size();
  std::size_t count = kMostOriginBytes;
  while (count > 0 && (text[count] & 0xc0) == 0x80) --count;
  return count;
}

std::string place(std::size_t layer, std::int64_t token) {
  return "layer " + std::to_string(layer) + ", token " + std::to_string(token);
}

void check_experts(const Trace& trace, std::size_t layer, const std::string& name) {
  const std::vector<std::int32_t>& experts = trace.layers[layer].experts;
  std::vector<std::int32_t> sorted(static_cast<std::size_t>(trace.top_k));
  for (std::int64_t t = 0; t < trace.tokens; ++t) {
    std::copy_n(experts.begin() + t * trace.top_k, trace.top_k, sorted.begin());
    std::sort(sorted.begin(), sorted.end());
    const std::int32_t worst = sorted.front() < 0 ? sorted.front() : sorted.back();
    if (worst < 0 || worst >= trace.num_experts) {
      fail(name, "expert " + std::to_string(worst) + " at " + place(layer, t) + ", of " +
                     std::to_string(trace.num_experts) + " experts");
    }
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end()) {
      fail(name, "expert " + std::to_string(*twice) + " twice at " + place(layer, t));
    }
  }
}

void check_finite(const std::vector<float>& values, std::int64_t per_token, const char* what,
                  std::size_t layer, const std::string& name) {
  const auto bad =
      std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  if (bad == values.end()) return;
  fail(name, std::string("a ") + what + " that is not finite at " +
                 place(layer, (bad - values.begin()) / per_token));
}

void check_lengths(const Trace& trace, std::size_t index, const std::string& name) {
  const TraceLayer& layer = trace.layers[index];
  const auto pairs = static_cast<std::size_t>(trace.tokens * trace.top_k);
  const auto logits = static_cast<std::size_t>(trace.tokens * trace.num_experts);
  if (layer.experts.size() == pairs && layer.scores.size() == (trace.has_scores() ? pairs : 0) &&
      layer.logits.size() == (trace.has_logits() ? logits : 0)) {
    return;
  }
  fail(name, "layer " + std::to_string(index) + " has arrays of other sizes than [T, K] or [T, E]");
}

Header checked_header(std::string_view bytes, const std::string& name) {
  if (!is_trace(bytes)) fail(name, "not a trace: it does not begin with MOETRACE");
  Header header;
  if (bytes.size() < sizeof header) fail(name, "cut off inside its header of 256 bytes");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.version != kVersion) {
    fail(name, "a trace of version " + std::to_string(header.version),
         "this program reads version 1");
  }
  if ((header.flags & ~(kHasScores | kHasLogits)) != 0) fail(name, "unknown flags");
  check_sizes(name, header.num_layers, header.tokens, header.num_experts, header.top_k);
  const std::uint64_t payload = bytes.size() - sizeof header, per_layer = layer_bytes(header);
  if (payload % per_layer != 0 || payload / per_layer != header.num_layers) {
    fail(name, std::to_string(payload) + " bytes behind the header, but it claims " +
                   std::to_string(header.num_layers) + " layers of " + std::to_string(per_layer) +
                   " bytes");
  }
  if (crc32(bytes.substr(kChecked)) != header.checksum) {
    fail(name, "its checksum does not match its contents", "copy or write the file again");
  }
  return header;
}

}  // namespace

void check_trace(const Trace& trace, const std::string& name) {
  const auto unsigned_of = [](std::int64_t size) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(size, 0));
  };
  check_sizes(name, trace.layers.size(), unsigned_of(trace.tokens), unsigned_of(trace.num_experts),
              unsigned_of(trace.top_k));
  for (std::size_t layer = 0; layer < trace.layers.size(); ++layer) {
    check_lengths(trace, layer, name);
    check_experts(trace, layer, name);
    check_finite(trace.layers[layer].scores, trace.top_k, "score", layer, name);
    check_finite(trace.layers[layer].logits, trace.num_experts, "logit", layer, name);
  }
}

std::string trace_bytes(const Trace& trace) {
  check_trace(trace, "trace");
  Header header{};
  std::memcpy(header.magic, kTraceMagic.data(), kTraceMagic.size());
  header.version = kVersion;
  header.num_layers = trace.layers.size();
  header.tokens = static_cast<std::uint64_t>(trace.tokens);
  header.num_experts = static_cast<std::uint64_t>(trace.num_experts);
  header.top_k = static_cast<std::uint64_t>(trace.top_k);
  header.flags = (trace.has_scores() ? kHasScores : 0) | (trace.has_logits() ? kHasLogits : 0);
  std::memcpy(header.origin, trace.origin.data(), whole_characters(trace.origin));
  std::string bytes;
  bytes.reserve(sizeof header + header.num_layers * layer_bytes(header));
  bytes.append(reinterpret_cast<const char*>(&header), sizeof header);
  for (const TraceLayer& layer : trace.layers) {
    append(bytes, layer.experts);
    append(bytes, layer.scores);
    append(bytes, layer.logits);
  }
  const std::uint32_t checksum = crc32(std::string_view(bytes).substr(kChecked));
  std::memcpy(bytes.data() + offsetof(Header, checksum), &checksum, sizeof checksum);
  return bytes;
}

Trace parse_trace(std::string_view bytes, const std::string& name) {
  const Header header = checked_header(bytes, name);
  bytes.remove_prefix(sizeof header);
  Trace trace;
  trace.tokens = static_cast<std::int64_t>(header.tokens);
  trace.num_experts = static_cast<std::int64_t>(header.num_experts);
  trace.top_k = static_cast<std::int64_t>(header.top_k);
  trace.origin.assign(header.origin, ::strnlen(header.origin, sizeof header.origin));
  const std::uint64_t pairs = header.tokens * header.top_k;
  trace.layers.resize(header.num_layers);
  for (TraceLayer& layer : trace.layers) {
    layer.experts = take<std::int32_t>(bytes, pairs);
    if (header.flags & kHasScores) layer.scores = take<float>(bytes, pairs);
    if (header.flags & kHasLogits) {
      layer.logits = take<float>(bytes, header.tokens * header.num_experts);
    }
  }
  check_trace(trace, name);
  return trace;
}

std::string trace_hash(std::string_view bytes) {
  Header header{};
  std::memcpy(&header, bytes.data(), std::min(bytes.size(), sizeof header));
  char text[32];
  std::snprintf(text, sizeof text, "crc32:%08x", header.checksum);
  return text;
}

}  // namespace moe::routing
