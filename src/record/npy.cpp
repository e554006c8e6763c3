// Header and raw little-endian data. Format: numpy.org, "A simple file format for NumPy arrays".
#include "record/npy.h"

#include <bit>
#include <string>

#include "record/files.h"

namespace moe::record {
namespace {

static_assert(std::endian::native == std::endian::little,
              ".npy data is written as it lies in memory");

std::string header(const char* type, const std::vector<std::int64_t>& shape) {
  std::string dims;
  for (std::int64_t dim : shape) dims += std::to_string(dim) + ", ";
  if (shape.size() > 1) dims.resize(dims.size() - 2);  // "(3,)" needs its comma, "(3, 4)" none
  std::string text =
      std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': (" + dims + "), }";
  constexpr std::size_t kPrefix = 10, kAlignment = 64;
  const std::size_t unpadded = kPrefix + text.size() + 1;
  text.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  text += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(text.size() & 0xff);
  bytes += static_cast<char>(text.size() >> 8);
  return bytes + text;
}

void write(const std::filesystem::path& file, const char* type, const void* data,
           std::size_t element_bytes, const std::vector<std::int64_t>& shape) {
  std::size_t bytes = element_bytes;
  for (std::int64_t dim : shape) bytes *= static_cast<std::size_t>(dim);
  write_file(file, {header(type, shape), {static_cast<const char*>(data), bytes}});
}

}  // namespace

void write_npy(const std::filesystem::path& file, const float* values,
               const std::vector<std::int64_t>& shape) {
  write(file, "<f4", values, sizeof(float), shape);
}

void write_npy(const std::filesystem::path& file, const std::int32_t* values,
               const std::vector<std::int64_t>& shape) {
  write(file, "<i4", values, sizeof(std::int32_t), shape);
}

}  // namespace moe::record
