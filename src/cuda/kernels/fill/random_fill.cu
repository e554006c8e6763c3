// Instances of the seeded fill.
#include "cuda/kernels/fill/random_fill.cuh"

#include <algorithm>
#include <string>

#include "cuda/kernels/fill/random_fill.h"
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
  switch (tensor.dtype) {
    case DType::f32: return start<float>(tensor, seed, numbers, deviation, stream);
    case DType::bf16: return start<__nv_bfloat16>(tensor, seed, numbers, deviation, stream);
    default:
      throw Error(ErrorKind::internal, "random_fill: no " + std::string(name_of(tensor.dtype)));
  }
}

}  // namespace moe::cuda
