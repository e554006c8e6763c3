// The gate's gradient: a block builds d_logits of up to 32 tokens in shared memory and then writes
// them out in one piece.
//
//   1  what the denominator gives to all logits (softmax over all experts), or zeros
//   2  minus what it gives to the chosen (renormalized gates), a thread per pair
//   3  plus what each row gives to its own expert, a thread per row
//
// Formulas and the order of sums are those of routing/gate_backward.cpp.
#pragma once

#include <cstdint>

#include "core/activation.h"
#include "cuda/kernels/router/choose.h"
#include "cuda/kernels/router/gate_backward.h"
#include "cuda/ptx/pair.cuh"

namespace moe::cuda {

template <class Element>
struct GateBackward {
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 5;
  static constexpr int kClusterSize = 1;
  static constexpr int kWarps = kThreads / 32;
  static constexpr int kTileLogits = 8 * kMaxExperts;
  static constexpr int kMostTokens = 32;

  struct Args {
    GateBackwardProblem problem;
    Element* d_logits;  // [T, E]
    int num_experts, top_k;
    int block_tokens;  // a multiple of 8, so that tiles begin at multiples of 16 bytes
    float scale;
    bool is_sigmoid, renormalizes;
  };
  struct SharedStorage {
    alignas(16) float d_logits[kTileLogits];  // [block_tokens, E]
    int expert_offsets[kMaxExperts + 1];
    int token_offsets[kMostTokens + 1];
    float totals[kMostTokens];  // sum of d_score * score
    float denominators[kMostTokens];
  };

  static constexpr int block_tokens_for(int num_experts) {
    int tokens = kMostTokens;
    while (tokens * num_experts > kTileLogits) tokens /= 2;
    return tokens;
  }

  static __device__ __forceinline__ void run(const Args& args, SharedStorage& shared) {
    Block(args, shared).run();
  }

  class Block {
   public:
    __device__ __forceinline__ Block(const Args& args, SharedStorage& shared)
        : args_(args),
          p_(args.problem),
          shared_(shared),
          first_(static_cast<std::int64_t>(blockIdx.x) * args.block_tokens),
          tokens_(static_cast<int>(
              min(args.problem.tokens - first_, static_cast<std::int64_t>(args.block_tokens)))) {}

    __device__ __forceinline__ void run() {
      for (int e = threadIdx.x; e <= args_.num_experts; e += kThreads) {
        shared_.expert_offsets[e] = p_.expert_offsets[e];
      }
      const Chosen first_chosen = chosen(threadIdx.x);  // on its way while tokens are summed
      sum_tokens();
      const bool sums_all = !args_.is_sigmoid && !args_.renormalizes;
      if (!sums_all) start_with_zeros();
      __syncthreads();
      if (sums_all) start_with_shares_of_all();
      if (args_.renormalizes) subtract_shares_of_chosen(first_chosen);
      __syncthreads();
      add_rows();
      __syncthreads();
      write();
    }

   private:
    /// Several neighbouring lanes fetch the rows of a token together and add them up one by one.
    __device__ __forceinline__ void sum_tokens() {
      const int lanes = kThreads / args_.block_tokens;
      const int token = threadIdx.x / lanes, own = threadIdx.x % lanes;
      if (token >= tokens_) return;
      const unsigned team = (lanes == 32 ? ~0u : (1u << lanes) - 1) << (threadIdx.x % 32 - own);
      const int begin = p_.token_offsets[first_ + token],
                end = p_.token_offsets[first_ + token + 1];
      float total = 0.0f;
      for (int first = begin; first < end; first += lanes) {
        float product = 0.0f;
        if (first + own < end) {
          const int row = p_.token_rows[first + own];
          product = p_.d_scores[row] * p_.row_scores[row];
        }
        const int count = min(end - first, lanes);
        for (int i = 0; i < count; ++i) total += __shfl_sync(team, product, i, lanes);
      }
      if (own > 0) return;
      shared_.totals[token] = total;
      shared_.denominators[token] =
          p_.token_norms == nullptr ? 1.0f : p_.token_norms[2 * (first_ + token) + 1];
      shared_.token_offsets[token] = begin;
      if (token == tokens_ - 1) shared_.token_offsets[tokens_] = end;
    }

    __device__ __forceinline__ void start_with_zeros() {
      const int vectors = (tokens_ * args_.num_experts + 3) / 4;
      auto* tile = reinterpret_cast<float4*>(shared_.d_logits);
      for (int i = threadIdx.x; i < vectors; i += kThreads) tile[i] = make_float4(0, 0, 0, 0);
    }

    __device__ __forceinline__ void start_with_shares_of_all() {
      const int lane = threadIdx.x % 32;
      for (int token = threadIdx.x / 32; token < tokens_; token += kWarps) {
        const float* logits = p_.logits + (first_ + token) * args_.num_experts;
        const float shift = p_.token_norms[2 * (first_ + token)];
        const float denominator = shared_.denominators[token], total = shared_.totals[token];
#pragma unroll 4
        for (int e = lane; e < args_.num_experts; e += 32) {
          at(token, e) = -(exp32(__ldg(logits + e) - shift) / denominator) * total;
        }
      }
    }

    struct Chosen {
      int expert;
      float score;
    };

    __device__ __forceinline__ Chosen chosen(int pair) const {
      if (!args_.renormalizes || pair >= tokens_ * args_.top_k) return {};
      const std::int64_t at = first_ * args_.top_k + pair;
      return {__ldg(p_.chosen_experts + at), __ldg(p_.chosen_scores + at)};
    }

    /// `next` is this thread's first pair.
    __device__ __forceinline__ void subtract_shares_of_chosen(Chosen next) {
      for (int pair = threadIdx.x; pair < tokens_ * args_.top_k; pair += kThreads) {
        const int token = pair / args_.top_k;
        at(token, next.expert) -=
            slope(token, next.score) * (next.score / args_.scale) * shared_.totals[token];
        next = chosen(pair + kThreads);
      }
    }

    __device__ __forceinline__ void add_rows() {
      const int end = shared_.token_offsets[tokens_];
      for (int i = shared_.token_offsets[0] + threadIdx.x; i < end; i += kThreads) {
        const int row = p_.token_rows[i];
        const float score = p_.row_scores[row], d_score = p_.d_scores[row];
        const int token = owner(shared_.token_offsets, tokens_, i);
        const int expert = owner(shared_.expert_offsets, args_.num_experts, row);
        at(token, expert) += slope(token, score) * d_score * score;
      }
    }

    /// f' / f: of exp 1, of the sigmoid 1 - f.
    __device__ __forceinline__ float slope(int token, float score) const {
      return args_.is_sigmoid ? 1.0f - score * shared_.denominators[token] / args_.scale : 1.0f;
    }

    /// Which of `count` owners has item `i`: the last that begins at or before it.
    static __device__ __forceinline__ int owner(const int* offsets, int count, int i) {
      int low = 0, high = count;
      while (high - low > 1) {
        const int middle = (low + high) / 2;
        (offsets[middle] <= i ? low : high) = middle;
      }
      return low;
    }

    /// 16 bytes per thread and step.
    __device__ __forceinline__ void write() const {
      constexpr int kVector = 16 / sizeof(Element);
      const int count = tokens_ * args_.num_experts;
      Element* out = args_.d_logits + first_ * args_.num_experts;
      for (int i = kVector * threadIdx.x; i + kVector <= count; i += kVector * kThreads) {
        *reinterpret_cast<uint4*>(out + i) = packed(&shared_.d_logits[i]);
      }
      const int i = count / kVector * kVector + threadIdx.x;
      if (i < count) out[i] = static_cast<Element>(shared_.d_logits[i]);
    }

    static __device__ __forceinline__ uint4 packed(const float* values) {
      if constexpr (sizeof(Element) == 4) {
        return *reinterpret_cast<const uint4*>(values);
      } else {
        const float4 a = reinterpret_cast<const float4*>(values)[0];
        const float4 b = reinterpret_cast<const float4*>(values)[1];
        return make_uint4(ptx::pack<Element>(a.x, a.y), ptx::pack<Element>(a.z, a.w),
                          ptx::pack<Element>(b.x, b.y), ptx::pack<Element>(b.z, b.w));
      }
    }

    __device__ __forceinline__ float& at(int token, int expert) const {
      return shared_.d_logits[token * args_.num_experts + expert];
    }

    const Args& args_;
    const GateBackwardProblem& p_;
    SharedStorage& shared_;
    std::int64_t first_;  // token of the block
    int tokens_;          // of the block
  };
};

}  // namespace moe::cuda
