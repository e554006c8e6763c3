// A stable counting sort of pairs by expert, from the router's chunk masks.
#include "cuda/kernels/permute/build_rows.h"

#include <algorithm>

#include "cuda/kernels/permute/place_rows.cuh"
#include "cuda/kernels/permute/ragged_chunk.h"
#include "cuda/kernels/permute/scan_chunks.cuh"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

/// A block per chunk.
struct PlaceRagged {
  using Args = RaggedArgs;
  static constexpr int kThreads = 256, kMinBlocks = 4, kClusterSize = 1;
  using Team = BlockTeam<kThreads>;
  using SharedStorage = RaggedChunk<Team>::Shared;

  static __device__ __forceinline__ void run(const Args& args, SharedStorage& shared) {
    RaggedChunk<Team>(args, shared, Team{}, static_cast<int>(blockIdx.x)).run();
  }
};

}  // namespace

void build_rows(const BuildRowsProblem& problem, cudaStream_t stream) {
  const std::int64_t chunks = num_chunks(problem.tokens);
  const PermuteScratch scratch =
      permute_scratch(problem.scratch, problem.tokens, problem.num_experts);
  const int columns = (problem.num_experts + ScanChunks::kColumns - 1) / ScanChunks::kColumns;
  launch<ScanChunks>(
      {scratch.chunk_masks, scratch.cells, scratch.totals, chunks, problem.num_experts},
      dim3(columns), stream);
  const int block_chunks = PlaceRows::block_chunks_for(chunks, problem.top_k);
  // Without tokens one block writes the offsets.
  const std::int64_t blocks = std::max<std::int64_t>((chunks + block_chunks - 1) / block_chunks, 1);
  launch<PlaceRows>({problem, scratch.cells, scratch.totals, block_chunks},
                    dim3(static_cast<unsigned>(blocks)), stream);
}

void build_ragged_rows(const RaggedRowsProblem& problem, cudaStream_t stream) {
  const std::int64_t chunks = num_chunks(problem.tokens);
  const PermuteScratch scratch =
      permute_scratch(problem.scratch, problem.tokens, problem.scores.num_experts);
  launch<PlaceRagged>({problem, scratch.cells, scratch.totals, static_cast<int>(problem.tokens),
                       static_cast<int>(chunks)},
                      dim3(static_cast<unsigned>(std::max<std::int64_t>(chunks, 1))), stream);
}

}  // namespace moe::cuda
