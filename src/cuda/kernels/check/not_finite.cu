// One element per thread and step; a thread that finds nothing, as all should, writes nothing.
#include "cuda/kernels/check/not_finite.h"

#include <cuda_bf16.h>

#include <algorithm>
#include <string>

#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

constexpr std::int64_t kMostBlocks = 1 << 14;

/// Sign and magnitude as they lie in memory: all exponent bits set is NaN or infinity.
__device__ __forceinline__ bool is_finite_bits(std::uint32_t bits) {
  return (bits & 0x7f800000u) != 0x7f800000u;
}
__device__ __forceinline__ bool is_finite_bits(std::uint16_t bits) {
  return (bits & 0x7f80u) != 0x7f80u;
}

template <class Bits>
struct FindNotFinite {
  struct Args {
    const Bits* values;
    std::int64_t size;
    unsigned long long *count, *first;
  };
  struct SharedStorage {};
  static constexpr int kThreads = 256, kMinBlocks = 4, kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
    for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
         i < args.size; i += stride) {
      if (is_finite_bits(args.values[i])) continue;
      atomicAdd(args.count, 1ull);
      atomicMin(args.first, static_cast<unsigned long long>(i));
    }
  }
};

template <class Bits>
void start(TensorView tensor, unsigned long long* count, unsigned long long* first,
           cudaStream_t stream) {
  using Kernel = FindNotFinite<Bits>;
  const std::int64_t blocks =
      std::min((tensor.size() + Kernel::kThreads - 1) / Kernel::kThreads, kMostBlocks);
  if (blocks == 0) return;
  launch<Kernel>({tensor.as<const Bits>(), tensor.size(), count, first},
                 dim3(static_cast<unsigned>(blocks)), stream);
}

}  // namespace

void find_not_finite(TensorView tensor, unsigned long long* count, unsigned long long* first,
                     cudaStream_t stream) {
  switch (tensor.dtype) {
    case DType::f32: return start<std::uint32_t>(tensor, count, first, stream);
    case DType::bf16: return start<std::uint16_t>(tensor, count, first, stream);
    default:
      throw Error(ErrorKind::internal, "find_not_finite: no " + std::string(name_of(tensor.dtype)));
  }
}

}  // namespace moe::cuda
