// A stable counting sort of pairs by expert in two launches, from the router's chunk masks.
#include "cuda/kernels/permute/build_rows.h"

#include <algorithm>

#include "cuda/kernels/permute/place_rows.cuh"
#include "cuda/kernels/permute/ragged_chunk.h"
#include "cuda/kernels/permute/scan_chunks.cuh"
#include "cuda/runtime/launch.cuh"

namespace moe::cuda {
namespace {

/// The scratch, taken apart.
struct Scratch {
  const std::uint32_t* masks;  // [chunks, E]
  ChunkCell* cells;            // [chunks, E]
  std::int32_t* totals;        // [E]

  Scratch(std::byte* scratch, std::int64_t chunks, int num_experts) {
    const std::int64_t count = chunks * num_experts;
    masks = reinterpret_cast<std::uint32_t*>(scratch);
    cells = reinterpret_cast<ChunkCell*>(scratch + (count + count % 2) * sizeof(*masks));
    totals = reinterpret_cast<std::int32_t*>(cells + count);
  }
};

void scan_chunks(const Scratch& scratch, std::int64_t chunks, int num_experts,
                 cudaStream_t stream) {
  const int columns = (num_experts + ScanChunks::kColumns - 1) / ScanChunks::kColumns;
  launch<ScanChunks>({scratch.masks, scratch.cells, scratch.totals, chunks, num_experts},
                     dim3(columns), stream);
}

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
  const Scratch scratch(problem.scratch, chunks, problem.num_experts);
  scan_chunks(scratch, chunks, problem.num_experts, stream);
  const int block_chunks = PlaceRows::block_chunks_for(chunks, problem.top_k);
  // Without tokens one block writes the offsets.
  const std::int64_t blocks = std::max<std::int64_t>((chunks + block_chunks - 1) / block_chunks, 1);
  launch<PlaceRows>({problem, scratch.cells, scratch.totals, block_chunks},
                    dim3(static_cast<unsigned>(blocks)), stream);
}

void build_ragged_rows(const RaggedRowsProblem& problem, cudaStream_t stream) {
  const std::int64_t chunks = num_chunks(problem.tokens);
  const int num_experts = problem.scores.num_experts;
  const Scratch scratch(problem.scratch, chunks, num_experts);
  scan_chunks(scratch, chunks, num_experts, stream);
  launch<PlaceRagged>({problem, scratch.cells, scratch.totals, static_cast<int>(problem.tokens),
                       static_cast<int>(chunks)},
                      dim3(static_cast<unsigned>(std::max<std::int64_t>(chunks, 1))), stream);
}

}  // namespace moe::cuda
