// The choice on the device: a block per chunk of 32 tokens.
//
//   a warp per token    logits -> keys -> drop groups -> top_k -> chosen experts in shared memory
//   a thread per pair   value of the logit, its bit in the chunk's masks
//   a thread per pair   denominator and score
//   a thread per expert where rounding follows: the best pair that did not choose it
//
// Sums run in the order of routing/gate.cpp, without fused multiply-add (nvcc --fmad=false).
#pragma once

#include <cstdint>

#include "cuda/kernels/permute/build_rows.h"
#include "cuda/kernels/round/survey.h"
#include "cuda/kernels/router/token_keys.cuh"

namespace moe::cuda {

/// For up to 32 * kSlots experts.
template <int kSlots, bool kSurveys>
struct Choose {
  using Args = ChooseArgs;
  // Four blocks of a multiprocessor or more, as registers allow: 512 chunks are then one round.
  static constexpr int kThreads = kSlots == 16 ? 192 : 256;
  static constexpr int kMinBlocks = kSlots > 16              ? 2
                                    : kSlots > 8 || kSurveys ? 4
                                    : kSlots > 4             ? 5
                                                             : 6;
  static constexpr int kClusterSize = 1;
  static constexpr int kWarps = kThreads / 32;
  static constexpr float kSigmoidSumFloor = 1e-20f;  // as routing/gate.cpp

  struct SharedStorage {
    CandidateList<kSlots> lists[kWarps];
    std::uint32_t masks[32 * kSlots];
    int chosen[kChunkTokens * kMaxTopK];    // [tokens, K]
    float values[kChunkTokens * kMaxTopK];  // [tokens, K] what scores are a share of
    float sums[kChunkTokens];               // over all experts, where the gate wants that
    NormLog norm_logs[kSurveys ? kChunkTokens : 1];
  };

  static __device__ __forceinline__ void run(const Args& args, SharedStorage& shared) {
    Chunk(args, shared).run();
  }

  class Chunk {
   public:
    __device__ __forceinline__ Chunk(const Args& args, SharedStorage& shared)
        : args_(args),
          p_(args.problem),
          shared_(shared),
          first_(static_cast<std::int64_t>(blockIdx.x) * kChunkTokens),
          tokens_(
              static_cast<int>(min(p_.tokens - first_, static_cast<std::int64_t>(kChunkTokens)))) {}

    __device__ __forceinline__ void run() {
      for (int e = threadIdx.x; e < args_.num_experts; e += kThreads) shared_.masks[e] = 0;
      for (int token = threadIdx.x / 32; token < tokens_; token += kWarps) choose(token);
      __syncthreads();
      const int pairs = tokens_ * args_.top_k;
      for (int pair = threadIdx.x; pair < pairs; pair += kThreads) evaluate(pair);
      __syncthreads();
      for (int pair = threadIdx.x; pair < pairs; pair += kThreads) write_score(pair);
      std::uint32_t* masks = p_.chunk_masks + std::int64_t{blockIdx.x} * args_.num_experts;
      for (int e = threadIdx.x; e < args_.num_experts; e += kThreads) masks[e] = shared_.masks[e];
      if constexpr (kSurveys) {
        __syncthreads();  // norm_logs are written
        survey();
      }
    }

   private:
    /// By a whole warp.
    __device__ __forceinline__ void choose(int token) {
      const int lane = threadIdx.x % 32;
      CandidateList<kSlots>& list = shared_.lists[threadIdx.x / 32];
      TokenKeys<kSlots> token_keys(args_, first_ + token);
      if (args_.sums_all()) shared_.sums[token] = token_keys.sum_of_exponentials();
      if (args_.kept_groups < args_.num_groups) {
        token_keys.drop_groups(reinterpret_cast<std::uint32_t*>(&list));
      }
      TopK<kSlots>::choose(token_keys.keys, args_.top_k, list, lane,
                           shared_.chosen + token * args_.top_k);
    }

    __device__ __forceinline__ void evaluate(int pair) {
      const int token = pair / args_.top_k, expert = shared_.chosen[pair];
      const float logit = logits_of(token)[expert];
      shared_.values[pair] = args_.is_sigmoid ? sigmoid32(logit) : exp32(logit - shift_of(token));
      p_.chosen_experts[first_ * args_.top_k + pair] = expert;
      atomicOr(&shared_.masks[expert], 1u << token);
    }

    __device__ __forceinline__ void write_score(int pair) {
      const int token = pair / args_.top_k, first_pair = token * args_.top_k;
      float denominator = 1.0f;
      if (args_.sums_all()) denominator = shared_.sums[token];
      if (args_.renormalizes) {
        float sum = 0.0f;
        for (int k = 0; k < args_.top_k; ++k) sum += shared_.values[first_pair + k];
        denominator = args_.is_sigmoid ? sum + kSigmoidSumFloor : sum;
      }
      p_.chosen_scores[first_ * args_.top_k + pair] =
          args_.scale * (shared_.values[pair] / denominator);
      if (p_.token_norms != nullptr && pair == first_pair) {
        const PairNorm norm = {args_.is_sigmoid ? 0.0f : shift_of(token), denominator};
        reinterpret_cast<PairNorm*>(p_.token_norms)[first_ + token] = norm;
        if constexpr (kSurveys) shared_.norm_logs[token] = norm_log(scores(), norm);
      }
    }

    __device__ __forceinline__ void survey() const {
      const auto chunk = static_cast<int>(blockIdx.x), tokens = static_cast<int>(p_.tokens);
      float* best_logs = p_.best_logs + std::int64_t{chunk} * args_.num_experts;
      for (int e = threadIdx.x; e < args_.num_experts; e += kThreads) {
        best_logs[e] =
            best_unchosen(scores(), shared_.norm_logs, shared_.masks[e], chunk, tokens, e);
      }
    }

    __device__ __forceinline__ PairScores scores() const {
      return {p_.logits, reinterpret_cast<const PairNorm*>(p_.token_norms), args_.num_experts,
              args_.scale, args_.is_sigmoid};
    }

    /// The largest logit that the denominator sums over: the first chosen one.
    __device__ __forceinline__ float shift_of(int token) const {
      const float logit = logits_of(token)[shared_.chosen[token * args_.top_k]];
      return args_.sums_all() && logit != logit ? -INFINITY : logit;
    }

    __device__ __forceinline__ const float* logits_of(int token) const {
      return p_.logits + (first_ + token) * args_.num_experts;
    }

    const Args& args_;
    const ChooseProblem& p_;
    SharedStorage& shared_;
    std::int64_t first_;  // token of the chunk
    int tokens_;          // of the chunk
  };
};

}  // namespace moe::cuda
