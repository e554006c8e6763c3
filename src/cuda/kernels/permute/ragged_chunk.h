// Rows of one chunk of 32 tokens from its masks alone, by a Team: tokens may have any number of
// experts, as token rounding leaves them.
//
//   masks    of experts over tokens        row of (t, e)      as in place_rows.cuh
//   words    of tokens over experts        place in token_rows = token_offsets[t]
//            (the masks, transposed)                 + t's experts below e
//   token_offsets[first of the chunk] = rows of all experts in earlier chunks
#pragma once

#include <cstdint>

#include "cuda/kernels/permute/build_rows.h"
#include "cuda/kernels/router/choose.h"
#include "cuda/tile/bits.h"

namespace moe::cuda {

struct RaggedArgs {
  RaggedRowsProblem problem;
  const ChunkCell* cells;      // [chunks, E]
  const std::int32_t* totals;  // [E]
  int tokens, chunks;
};

template <class Team>
class RaggedChunk {
 public:
  static constexpr int kMaxWords = kMaxExperts / 32;
  static constexpr int kMaxListed = 1024;  // pairs of a chunk with 32 experts per token
  struct Shared {
    std::uint32_t masks[kMaxExperts];
    int totals[kMaxExperts], earlier[kMaxExperts];          // rows in all chunks, in earlier ones
    int rows[kMaxExperts];                                  // the expert's first row of this chunk
    int group_totals[kMaxWords], group_earlier[kMaxWords];  // summed over 32 experts
    std::uint32_t words[kMaxWords][kChunkTokens];
    int ranks[kMaxWords][kChunkTokens];  // experts of the token in words before
    int counts[kChunkTokens], offsets[kChunkTokens];
    std::uint16_t pairs[kMaxListed];  // expert * kChunkTokens + token
    int num_pairs;
  };

  MOE_TEAM RaggedChunk(const RaggedArgs& args, Shared& shared, const Team& team, int chunk)
      : args_(args),
        p_(args.problem),
        shared_(shared),
        team_(team),
        chunk_(chunk),
        num_experts_(args.problem.scores.num_experts),
        num_words_((num_experts_ + 31) / 32) {}

  MOE_TEAM void run() {
    load();
    sum_experts();
    transpose();
    sum_tokens();
    place();
  }

 private:
  MOE_TEAM void load() const {
    team_.each(32 * num_words_, [&](int e) {
      const bool is_expert = e < num_experts_;
      ChunkCell cell{};
      if (is_expert && chunk_ < args_.chunks) {
        cell = args_.cells[std::int64_t{chunk_} * num_experts_ + e];
      }
      shared_.masks[e] = cell.mask;
      shared_.earlier[e] = cell.first_row;
      shared_.totals[e] = is_expert ? args_.totals[e] : 0;
    });
  }

  /// First rows of experts; block 0 writes the offsets.
  MOE_TEAM void sum_experts() const {
    team_.each(num_words_, [&](int word) {
      int total = 0, earlier = 0;
      for (int i = 0; i < 32; ++i) {
        const int e = 32 * word + (i + word) % 32;  // threads in unlike banks
        total += shared_.totals[e];
        earlier += shared_.earlier[e];
      }
      shared_.group_totals[word] = total;
      shared_.group_earlier[word] = earlier;
    });
    team_.each(num_experts_, [&](int e) {
      int offset = 0;
      for (int word = 0; word < e / 32; ++word) offset += shared_.group_totals[word];
      for (int other = e / 32 * 32; other < e; ++other) offset += shared_.totals[other];
      shared_.rows[e] = offset + shared_.earlier[e];
      if (chunk_ > 0) return;
      p_.expert_offsets[e] = offset;
      if (e == num_experts_ - 1) p_.expert_offsets[num_experts_] = offset + shared_.totals[e];
    });
  }

  MOE_TEAM void transpose() const {
    team_.each(num_words_ * kChunkTokens, [&](int item) {
      const int word = item / kChunkTokens, token = item % kChunkTokens;
      std::uint32_t experts = 0;
      for (int i = 0; i < 32; ++i) {
        experts |= (shared_.masks[32 * word + i] >> token & 1) << i;
      }
      shared_.words[word][token] = experts;
    });
  }

  MOE_TEAM void sum_tokens() const {
    team_.each(kChunkTokens, [&](int token) {
      int count = 0;
      for (int word = 0; word < num_words_; ++word) {
        shared_.ranks[word][token] = count;
        count += population(shared_.words[word][token]);
      }
      shared_.counts[token] = count;
    });
    team_.each(kChunkTokens, [&](int token) {
      int offset = 0;
      for (int word = 0; word < num_words_; ++word) offset += shared_.group_earlier[word];
      for (int other = 0; other < token; ++other) offset += shared_.counts[other];
      shared_.offsets[token] = offset;
      const int t = chunk_ * kChunkTokens + token;
      if (t < args_.tokens) p_.token_offsets[t] = offset;
      const bool is_last = t == args_.tokens - 1;
      if (is_last) p_.token_offsets[t + 1] = offset + shared_.counts[token];
      if (args_.tokens == 0 && token == 0) p_.token_offsets[0] = 0;
    });
  }

  /// Pairs are listed first, because an expert has none or several of a chunk and a thread waits
  /// for the score of each.
  MOE_TEAM void place() const {
    team_.list(
        num_experts_, shared_.num_pairs, [&](int e) { return shared_.masks[e]; },
        [&](int e, int token, int i) {
          if (i < kMaxListed)
            shared_.pairs[i] = static_cast<std::uint16_t>(e * kChunkTokens + token);
        });
    if (shared_.num_pairs <= kMaxListed) {
      return team_.each(shared_.num_pairs, [&](int i) {
        write(shared_.pairs[i] / kChunkTokens, shared_.pairs[i] % kChunkTokens);
      });
    }
    team_.each(num_experts_,
               [&](int e) { each_bit(shared_.masks[e], [&](int token) { write(e, token); }); });
  }

  MOE_TEAM void write(int e, int token) const {
    const int t = chunk_ * kChunkTokens + token;
    const int row = shared_.rows[e] + population(shared_.masks[e] & ((1u << token) - 1));
    const std::uint32_t lower = shared_.words[e / 32][token] & ((1u << e % 32) - 1);
    const int place = shared_.offsets[token] + shared_.ranks[e / 32][token] + population(lower);
    p_.row_tokens[row] = t;
    p_.row_scores[row] = p_.scores.score(t, e);
    p_.token_rows[place] = row;
  }

  const RaggedArgs& args_;
  const RaggedRowsProblem& p_;
  Shared& shared_;
  Team team_;
  int chunk_, num_experts_, num_words_;
};

}  // namespace moe::cuda
