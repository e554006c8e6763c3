// Instances of the seeded fill.
#include "cuda/kernels/fill/random_fill.cuh"

#include <algorithm>

#include "cuda/kernels/fill/random_fill.h"
#include "cuda/runtime/element.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

constexpr std::int64_t kMostBlocks =
    1 << 14;  // many times what a GPU holds: the last ones end together

template <class Element>
void start(TensorView tensor, std::uint64_t seed, RandomStream numbers, float deviation,
           cudaStream_t stream) {
  using Kernel = RandomFill<Element>;
  const std::int64_t count = tensor.size();
  if (count == 0) return;
  const std::int64_t blocks =
      std::min((count + Kernel::kThreads - 1) / Kernel::kThreads, kMostBlocks);
  launch<Kernel>({tensor.as<Element>(), count, seed, numbers, deviation},
                 dim3(static_cast<unsigned>(blocks)), stream);
}

}  // namespace

void random_fill(TensorView tensor, std::uint64_t seed, RandomStream numbers, float deviation,
                 cudaStream_t stream) {
  with_element("random_fill", tensor.dtype,
               [&]<class Element>() { start<Element>(tensor, seed, numbers, deviation, stream); });
}

}  // namespace moe::cuda
