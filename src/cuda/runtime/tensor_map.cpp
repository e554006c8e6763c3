// cuTensorMapEncodeTiled, found through the runtime, so that nothing links against the driver
// library.
#include "cuda/runtime/tensor_map.h"

#include <cuda_runtime_api.h>

#include <array>
#include <string>

#include "cuda/runtime/check.h"

namespace moe::cuda {
namespace {

using Encode = decltype(&cuTensorMapEncodeTiled);

Encode find_encode() {
  static const Encode encode = [] {
    void* function = nullptr;
    cudaDriverEntryPointQueryResult found{};
    MOE_CUDA_CHECK(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000,
                                                    cudaEnableDefault, &found));
    if (found != cudaDriverEntryPointSuccess) {
      throw Error(ErrorKind::device, "the CUDA driver has no tensor maps", "",
                  "install a driver for CUDA 12 or newer");
    }
    return reinterpret_cast<Encode>(function);
  }();
  return encode;
}

/// Loads and stores only move 16-bit elements; additions know their type.
CUtensorMapDataType element_type(DType dtype) {
  if (dtype == DType::bf16) return CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
  if (dtype == DType::f16) return CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
  throw Error(ErrorKind::internal, "tensor maps: no " + std::string(name_of(dtype)));
}

template <int kRank>
CUtensorMap encode(const void* data, DType dtype, std::array<std::uint64_t, kRank> dims,
                   std::array<std::uint64_t, kRank - 1> stride_bytes,
                   std::array<std::uint32_t, kRank> box) {
  std::array<std::uint32_t, kRank> element_strides;
  element_strides.fill(1);
  CUtensorMap map;
  const CUresult result = find_encode()(
      &map, element_type(dtype), kRank, const_cast<void*>(data), dims.data(), stride_bytes.data(),
      box.data(), element_strides.data(), CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
      CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (result != CUDA_SUCCESS) {
    throw Error(ErrorKind::internal, "cuTensorMapEncodeTiled refused a tensor",
                "columns " + std::to_string(dims[0]) + ", rows " + std::to_string(dims[1]) +
                    ", row bytes " + std::to_string(stride_bytes[0]),
                "rows must be a multiple of 16 bytes and data aligned to 16 bytes");
  }
  return map;
}

constexpr std::uint32_t kBoxColumns = 64;  // 128 bytes: one swizzle row
constexpr std::uint64_t kElementBytes = 2;
constexpr std::uint64_t kWrap = std::uint64_t{1} << 34;  // kWrap * kRaggedRows = 2^64
constexpr std::uint64_t kAny = std::uint64_t{1} << 31;   // more than any coordinate

std::uint64_t unsigned_of(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

}  // namespace

CUtensorMap map_rows(const void* data, DType dtype, std::int64_t rows, std::int64_t columns,
                     int box_rows) {
  return encode<2>(data, dtype, {unsigned_of(columns), unsigned_of(rows)},
                   {unsigned_of(columns) * kElementBytes},
                   {kBoxColumns, static_cast<std::uint32_t>(box_rows)});
}

CUtensorMap map_batch(const void* data, DType dtype, std::int64_t batch, std::int64_t rows,
                      std::int64_t columns, int box_rows) {
  const std::uint64_t row_bytes = unsigned_of(columns) * kElementBytes;
  return encode<3>(data, dtype, {unsigned_of(columns), unsigned_of(rows), unsigned_of(batch)},
                   {row_bytes, row_bytes * unsigned_of(rows)},
                   {kBoxColumns, static_cast<std::uint32_t>(box_rows), 1});
}

CUtensorMap map_ragged_rows(const void* data, DType dtype, std::int64_t columns, int box_rows) {
  const std::uint64_t row_bytes = unsigned_of(columns) * kElementBytes;
  return encode<4>(data, dtype, {unsigned_of(columns), kRaggedRows, kAny, kAny},
                   {row_bytes, row_bytes, kWrap - row_bytes},
                   {kBoxColumns, static_cast<std::uint32_t>(box_rows), 1, 1});
}

CUtensorMap map_part_batch(const void* data, DType dtype, std::int64_t batch, int parts,
                           std::int64_t rows, std::int64_t columns, int box_rows, UpLayout layout) {
  const std::uint64_t line_bytes = unsigned_of(columns) * kElementBytes,
                      batch_bytes = line_bytes * unsigned_of(rows) * unsigned_of(parts);
  const bool interleaved = layout == UpLayout::interleaved;
  const std::uint64_t row_bytes = interleaved ? line_bytes * unsigned_of(parts) : line_bytes,
                      part_bytes = interleaved ? line_bytes : line_bytes * unsigned_of(rows);
  return encode<4>(
      data, dtype,
      {unsigned_of(columns), unsigned_of(rows), unsigned_of(parts), unsigned_of(batch)},
      {row_bytes, part_bytes, batch_bytes},
      {kBoxColumns, static_cast<std::uint32_t>(box_rows), 1, 1});
}

CUtensorMap map_part_ragged_rows(const void* data, DType dtype, int parts, std::int64_t columns,
                                 int box_rows) {
  const std::uint64_t part_bytes = unsigned_of(columns) * kElementBytes,
                      row_bytes = unsigned_of(parts) * part_bytes;
  return encode<5>(data, dtype, {unsigned_of(columns), unsigned_of(parts), kRaggedRows, kAny, kAny},
                   {part_bytes, row_bytes, row_bytes, kWrap - row_bytes},
                   {kBoxColumns, 1, static_cast<std::uint32_t>(box_rows), 1, 1});
}

}  // namespace moe::cuda
