// The 128-byte swizzle of the copy engine and of wgmma: inside every 1024-byte atom of eight
// 128-byte rows, 16-byte chunk c of row r lies at chunk c ^ (r % 8). Host and device.
#pragma once

#include <cstdint>

namespace moe::cuda {

inline constexpr int kSwizzleRowBytes = 128;
inline constexpr int kSwizzleAtomBytes = 1024;

/// Byte offset of a 16-byte chunk in an image of 128-byte rows that starts at an atom.
#if defined(__CUDACC__)
__host__ __device__
#endif
    constexpr std::uint32_t
    swizzled_offset(std::uint32_t row, std::uint32_t chunk) {
  return row * kSwizzleRowBytes + ((chunk ^ (row % 8)) * 16);
}

}  // namespace moe::cuda
