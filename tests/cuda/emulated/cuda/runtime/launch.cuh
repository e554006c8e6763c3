// runtime/launch.cuh on the host: a kernel is run when it is launched, block after block, or
// noted where a stream is being captured.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <memory>

#include "cuda/runtime/check.h"
#include "intrinsics.h"

namespace moe::emulated {

/// Runs `work` now, or adds it to the graph that is being captured.
void submit(std::function<void()> work);

}  // namespace moe::emulated

namespace moe::cuda {

template <class Kernel>
void launch(const typename Kernel::Args& args, dim3 grid, cudaStream_t) {
  using Storage = typename Kernel::SharedStorage;
  emulated::submit([args, grid] {
    struct alignas(1024) Memory {
      std::byte bytes[sizeof(Storage)];
    };
    const auto shared = std::make_unique<Memory>();
    for (unsigned z = 0; z < grid.z; ++z) {
      for (unsigned y = 0; y < grid.y; ++y) {
        for (unsigned x = 0; x < grid.x; ++x) {
          std::memset(shared->bytes, 0xff, sizeof(Storage));
          emulated::run_block(grid, {x, y, z}, Kernel::kThreads,
                              [&] { Kernel::run(args, reinterpret_cast<Storage&>(*shared)); });
        }
      }
    }
  });
}

inline unsigned* zeroed(unsigned* counter, cudaStream_t) {
  if (counter != nullptr) emulated::submit([counter] { *counter = 0; });
  return counter;
}

}  // namespace moe::cuda
