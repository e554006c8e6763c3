// What a fuzz target is: a function of bytes that neither crashes nor hangs, whatever they are, and
// whose memory stays in proportion to them. libFuzzer calls it, or main.cpp without libFuzzer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "moe/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace moe::fuzz {

/// Most bytes that may be alive at once while an input of `size` bytes is read. A byte of JSON can
/// cost a node of a tree and its place in a list, so the factor is generous; a claim in the file
/// ("a list of 2^40 numbers") that is believed unchecked breaks it by far.
constexpr std::size_t memory_limit(std::size_t size) {
  return (std::size_t{4} << 20) + 512 * size;
}

/// Aborts when more than `limit` bytes from operator new are alive in its lifetime
/// (memory_guard.cpp).
class MemoryGuard {
 public:
  explicit MemoryGuard(std::size_t limit);
  ~MemoryGuard();
};

/// Ends the process so that every fuzzer notices.
[[noreturn]] inline void finding(const char* what) {
  std::fprintf(stderr, "finding: %s\n", what);
  std::abort();
}

/// Runs `read` on the bytes as text. A moe::Error with a message is the only way out but success:
/// any other exception reaches nobody and ends the process.
template <class Read>
int run(const std::uint8_t* data, std::size_t size, Read read) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const MemoryGuard guard(memory_limit(size));
  try {
    read(text);
  } catch (const Error& error) {
    if (std::string(error.what()).empty()) finding("an error without a message");
  }
  return 0;
}

}  // namespace moe::fuzz
