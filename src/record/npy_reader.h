// Reading NumPy's .npy files, versions 1 to 3: plain little-endian integers and floats in C order,
// as np.save() writes them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace moe::record {

/// An array as it lies in its file.
struct NpyArray {
  std::string name;                 // of the file, for messages
  std::string type;                 // NumPy's: "<f4", "|u1"
  std::vector<std::int64_t> shape;  // () is a scalar
  std::string data;                 // row-major

  /// Values of any integer type. Throws Error{usage} for floats and for a value beyond 32 bits.
  std::vector<std::int32_t> integers() const;
  /// Values of any float type, rounded to float32. Throws Error{usage} for integers.
  std::vector<float> floats() const;
};

/// Throws Error{usage} for whatever is not such a file, or of another length than its shape says;
/// nothing is allocated beyond the length of `bytes`.
NpyArray parse_npy(std::string_view bytes, const std::string& name);

NpyArray read_npy(const std::filesystem::path& file);

}  // namespace moe::record
