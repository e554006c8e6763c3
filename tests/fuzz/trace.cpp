// A trace is refused with an error or read; what is read is written as the same layers. Inputs get
// the right checksum first: random ones would never have it.
#include "routing/trace.h"

#include <cstring>

#include "core/crc32.h"
#include "fuzz/fuzz.h"

namespace {

std::string sealed(std::string bytes) {
  if (bytes.size() < moe::routing::kTraceHeaderBytes) return bytes;
  const std::uint32_t checksum = moe::crc32(std::string_view(bytes).substr(16));
  std::memcpy(bytes.data() + 12, &checksum, sizeof checksum);
  return bytes;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return moe::fuzz::run(data, size, [](const std::string& text) {
    using namespace moe::routing;
    const std::string bytes = sealed(text);
    const std::string written = trace_bytes(parse_trace(bytes, "trace"));
    if (written.size() != bytes.size() ||
        written.substr(kTraceHeaderBytes) != bytes.substr(kTraceHeaderBytes)) {
      moe::fuzz::finding("reading and writing changed the layers");
    }
  });
}
