// One element per thread and step; a thread that finds nothing, as all should, writes nothing.
#include "cuda/kernels/check/not_finite.h"

#include <algorithm>
#include <string>

#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

constexpr std::int64_t kMostBlocks = 1 << 14;

/// kExponent: the bits of the exponent. All of them set is NaN or infinity.
template <class Bits, Bits kExponent>
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
      if ((args.values[i] & kExponent) != kExponent) continue;
      atomicAdd(args.count, 1ull);
      atomicMin(args.first, static_cast<unsigned long long>(i));
    }
  }
};

template <class Bits, Bits kExponent>
void start(TensorView tensor, unsigned long long* count, unsigned long long* first,
           cudaStream_t stream) {
  using Kernel = FindNotFinite<Bits, kExponent>;
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
    case DType::f32: return start<std::uint32_t, 0x7f800000u>(tensor, count, first, stream);
    case DType::bf16: return start<std::uint16_t, 0x7f80u>(tensor, count, first, stream);
    case DType::f16: return start<std::uint16_t, 0x7c00u>(tensor, count, first, stream);
    default:
      throw Error(ErrorKind::internal, "find_not_finite: no " + std::string(name_of(tensor.dtype)));
  }
}

}  // namespace moe::cuda
