// NumPy's .npy format, version 1.0: float32 and int32 arrays in C order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace moe::record {

/// Both throw Error{output} when the file cannot be written whole.
void write_npy(const std::filesystem::path& file, const float* values,
               const std::vector<std::int64_t>& shape);
void write_npy(const std::filesystem::path& file, const std::int32_t* values,
               const std::vector<std::int64_t>& shape);

}  // namespace moe::record
