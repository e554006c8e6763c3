// One thread per token.
#include "cuda/kernels/fill/all_tokens.h"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

struct AllTokens {
  struct Args {
    int* offsets;
    int* row_tokens;
    float* row_scores;
    int tokens;
  };
  struct SharedStorage {};
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 1;
  static constexpr int kClusterSize = 1;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage&) {
    const int token = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
    if (token < 2) args.offsets[token] = token * args.tokens;
    if (token >= args.tokens) return;
    args.row_tokens[token] = token;
    args.row_scores[token] = 1.0f;
  }
};

}  // namespace

void fill_all_tokens(int* offsets, int* row_tokens, float* row_scores, std::int64_t tokens,
                     cudaStream_t stream) {
  const auto blocks =
      static_cast<unsigned>((tokens + AllTokens::kThreads - 1) / AllTokens::kThreads);
  launch<AllTokens>({offsets, row_tokens, row_scores, static_cast<int>(tokens)}, dim3(blocks),
                    stream);
}

}  // namespace moe::cuda
