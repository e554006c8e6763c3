// One thread per row; neighbouring threads read neighbouring floats of every part.
#include "cuda/kernels/aggregate/sum_parts.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

struct SumParts {
  using Args = SumPartsProblem;
  struct SharedStorage {};
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 1;
  static constexpr int kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const std::int64_t row = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
    if (row >= args.expert_offsets[args.num_experts]) return;
    float sum = 0.0f;
    for (int part = 0; part < args.num_parts; ++part) sum += args.parts[part * args.max_rows + row];
    args.sums[row] = sum;
  }
};

}  // namespace

void sum_parts(const SumPartsProblem& problem, cudaStream_t stream) {
  const auto blocks =
      static_cast<unsigned>((problem.max_rows + SumParts::kThreads - 1) / SumParts::kThreads);
  if (blocks > 0) launch<SumParts>(problem, dim3(blocks), stream);
}

}  // namespace moe::cuda
