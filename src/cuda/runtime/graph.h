// A CUDA graph: work captured from a stream and replayed on it with one launch.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <memory>

#include "moe/device.h"

namespace moe::cuda {

/// Captures what `work` puts on `stream`; nothing runs before replay(). Kernels must have been
/// loaded by an earlier call. Throws Error{device} when something cannot be captured; the stream
/// is usable again then.
std::unique_ptr<Graph> capture_graph(cudaStream_t stream, const std::function<void()>& work);

}  // namespace moe::cuda
