// Products of float16 matrices in float32: oneDNN multiplies float16 on few processors, and in old
// releases on none.
#pragma once

#include "cpu/gemm.h"

namespace moe::cpu {

/// Bytes at the beginning of the scratchpad that a widened product takes for itself.
inline constexpr std::size_t kWidenedBytes = 3 << 20;

/// C = A B or C += A B for A and B in float16 and C in float16 or float32; sums in float32, rounded
/// once. Blocks of the operands are widened one after another. Throws Error{internal} for a
/// scratchpad of less than kWidenedBytes.
void widened_gemm(Gemm& gemm, const Matrix& a, const Matrix& b, const Matrix& c,
                  Accumulate accumulate, Memory scratch);

}  // namespace moe::cpu
