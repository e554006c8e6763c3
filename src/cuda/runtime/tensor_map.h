// Descriptors of the copy engine, made on the host from pointers and shapes. Elements are bf16 or
// f16.
//
// *Ragged* maps clip at the last row of an expert without a descriptor per expert: the row
// dimension is formally 2^30 rows long and addressed from its far end, so that row i of an expert
// with n rows has coordinate 2^30 - n + i and rows from n on are out of bounds. Two more dimensions
// put the address right: one of stride `row` at coordinate begin + n, and one whose stride times
// 2^30 is -2^30 rows modulo 2^64. (The scheme of Triton's ragged descriptors and of QuACK.)
#pragma once

#include <cuda.h>

#include <cstdint>

#include "moe/config.h"

namespace moe::cuda {

inline constexpr int kRaggedRows = 1 << 30;

/// [rows, columns], box [box_rows, 64], 128-byte swizzle.
CUtensorMap map_rows(const void* data, DType dtype, std::int64_t rows, std::int64_t columns,
                     int box_rows);

/// [batch, rows, columns], box [1, box_rows, 64].
CUtensorMap map_batch(const void* data, DType dtype, std::int64_t batch, std::int64_t rows,
                      std::int64_t columns, int box_rows);

/// [rows, columns] with rows of experts, box [box_rows, 64]. Coordinates of row i of the
/// expert that owns rows [begin, begin + n): {column, kRaggedRows - n + i, begin + n, kRaggedRows}.
CUtensorMap map_ragged_rows(const void* data, DType dtype, std::int64_t columns, int box_rows);

/// [batch, parts, rows, columns], gate and up (or one part alone) as a dimension of their
/// own, wherever `layout` has their rows; box [1, 1, box_rows, 64].
CUtensorMap map_part_batch(const void* data, DType dtype, std::int64_t batch, int parts,
                           std::int64_t rows, std::int64_t columns, int box_rows, UpLayout layout);

/// [rows, parts, columns] with rows of experts, box [box_rows, 1, 64]. Coordinates:
/// {column, part, kRaggedRows - n + i, begin + n, kRaggedRows}.
CUtensorMap map_part_ragged_rows(const void* data, DType dtype, int parts, std::int64_t columns,
                                 int box_rows);

}  // namespace moe::cuda
