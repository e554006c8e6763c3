// The rates that this very GPU reaches: one large product through cuBLAS, one large copy.
#pragma once

#include "moe/device.h"

namespace moe::cuda {

/// Square GEMM of random data (bf16 and f16: 8192, otherwise f32: 4096) and a copy of 4 GiB, or of
/// a quarter of the free memory where that is less. Medians after warm-up.
Ceilings measure_ceilings(Device& device, DType dtype);

}  // namespace moe::cuda
