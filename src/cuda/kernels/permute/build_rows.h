// Contract of the permutation: from chosen experts to rows sorted by expert, then token, and back.
//
// A *chunk* is 32 tokens, and a chunk mask the set of those that chose one expert: bit i stands for
// token 32 * chunk + i. The router writes the masks; they are the histogram (their population) and
// the rank inside a chunk (the population below a bit) in one word.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "cuda/kernels/router/pair_score.h"

namespace moe::cuda {

inline constexpr int kChunkTokens = 32;  // bits of a word

constexpr std::int64_t num_chunks(std::int64_t tokens) {
  return (tokens + kChunkTokens - 1) / kChunkTokens;
}

/// What a pair needs to know about its chunk and expert.
struct alignas(8) ChunkCell {
  std::uint32_t mask;      // the chunk's tokens that have the expert
  std::int32_t first_row;  // among the expert's rows: how many earlier chunks have
};

/// Scratch of build_rows(), aligned to 8 bytes. It begins with the chunk masks, u32
/// [num_chunks(T), E].
constexpr std::size_t permute_scratch_bytes(std::int64_t tokens, std::int64_t num_experts) {
  const std::int64_t cells = num_chunks(tokens) * num_experts;
  const std::int64_t words = cells + cells % 2 + 2 * cells + num_experts;
  return static_cast<std::size_t>(words) * sizeof(std::uint32_t);
}

/// The scratch, taken apart.
struct PermuteScratch {
  std::uint32_t* chunk_masks;  // [num_chunks(T), E]
  ChunkCell* cells;            // [num_chunks(T), E]
  std::int32_t* totals;        // [E] rows of each expert
};
inline PermuteScratch permute_scratch(std::byte* scratch, std::int64_t tokens, int num_experts) {
  const std::int64_t cells = num_chunks(tokens) * num_experts;
  PermuteScratch parts;
  parts.chunk_masks = reinterpret_cast<std::uint32_t*>(scratch);
  parts.cells = reinterpret_cast<ChunkCell*>(parts.chunk_masks + cells + cells % 2);
  parts.totals = reinterpret_cast<std::int32_t*>(parts.cells + cells);
  return parts;
}

/// All pointers are device memory.
struct BuildRowsProblem {
  std::byte* scratch;                  // permute_scratch_bytes(), its chunk masks filled
  const std::int32_t* chosen_experts;  // [T, K]
  const float* chosen_scores;          // [T, K]
  std::int32_t* expert_offsets;        // [E + 1]
  std::int32_t* row_tokens;            // [T * K], ascending inside an expert
  float* row_scores;                   // [T * K]
  std::int32_t* token_offsets;         // [T + 1]
  std::int32_t* token_rows;            // [T * K], ascending inside a token
  std::int64_t tokens;
  int num_experts;  // at most 1024
  int top_k;        // at most 32
};

/// Writes all outputs, equal to routing::build_rows() and build_token_rows(). Two launches.
void build_rows(const BuildRowsProblem& problem, cudaStream_t stream);

/// The same where tokens have any number of experts: the masks alone say who has whom, and scores
/// are made again from the logits.
struct RaggedRowsProblem {
  PairScores scores;
  std::byte* scratch;            // permute_scratch_bytes(), cells and totals of the masks filled
  std::int32_t* expert_offsets;  // [E + 1]
  std::int32_t* row_tokens;      // [rows], ascending inside an expert
  float* row_scores;             // [rows]
  std::int32_t* token_offsets;   // [T + 1]
  std::int32_t* token_rows;      // [rows], ascending inside a token
  std::int64_t tokens;
};

/// At most 1024 experts; rows are as many as the masks have bits. One launch.
void build_ragged_rows(const RaggedRowsProblem& problem, cudaStream_t stream);

}  // namespace moe::cuda
