// CRC-32 as zlib, gzip and PNG compute it (polynomial 0xEDB88320, reflected), so that files of ours
// can be checked and written with any language's standard library.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace moe {

namespace detail {

constexpr std::array<std::uint32_t, 256> crc32_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1 ? 0xEDB88320u : 0u);
    table[byte] = value;
  }
  return table;
}

}  // namespace detail

/// The checksum of `bytes`: zlib's crc32(0, bytes).
constexpr std::uint32_t crc32(std::string_view bytes) {
  constexpr std::array<std::uint32_t, 256> kTable = detail::crc32_table();
  std::uint32_t value = 0xFFFFFFFFu;
  for (const char c : bytes) {
    value = (value >> 8) ^ kTable[(value ^ static_cast<unsigned char>(c)) & 0xFF];
  }
  return ~value;
}

}  // namespace moe
