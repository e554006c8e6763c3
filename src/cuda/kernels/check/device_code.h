// Contract of the question whether this build was compiled for the GPU at hand.
#pragma once

namespace moe::cuda {

/// Whether the current device can load the kernels that every GPU runs (all but those of
/// kernels/gemm): as machine code, or as PTX that its driver translates. Starts the device. Throws
/// Error{device} when the driver fails for another reason.
bool has_device_code();

}  // namespace moe::cuda
