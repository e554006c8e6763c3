// The pairs of one expert among which a selection is made, by a Team.
//
//   the chosen           all bits of the expert's column
//   the best unchosen    bound: the m-th best of the chunks' best logarithms is reached by m pairs,
//                        so that the best m are among the few that reach it
//
// They are listed first and get their keys then, each thread as many as the others, in shared
// memory. Where they are too many for that, nothing is stored and their keys are made again
// whenever they are asked for: slower, and as rare as experts with thousands of rows.
#pragma once

#include <cstdint>

#include "cuda/kernels/round/select.h"
#include "cuda/kernels/round/survey.h"
#include "cuda/tile/bits.h"

namespace moe::cuda {

struct CandidateShared {
  static constexpr int kMaxKeys = 4096, kMaxPromising = 1024;
  SelectShared select;
  RankKey keys[kMaxKeys];
  int promising[kMaxPromising];  // chunks with a pair that reaches the bound
  int num_keys, num_promising;
};

/// Of an expert of a router; pointers as in RoundArgs.
struct ExpertPairs {
  PairScores scores;
  const float* best_logs;  // [chunks, E]
  std::uint32_t* column;   // [chunks] the masks of this expert
  int expert, tokens, chunks;

  MOE_TEAM RankKey key(int token) const {
    return rank_key(scores.score(token, expert), static_cast<std::uint32_t>(token));
  }
  MOE_TEAM std::uint32_t unchosen(int chunk) const {
    return ~column[chunk] & tokens_of_chunk(chunk, tokens);
  }
  MOE_TEAM float best_log(int chunk) const {
    return best_logs[std::int64_t{chunk} * scores.num_experts + expert];
  }
};

template <class Team>
class Candidates {
 public:
  using Shared = CandidateShared;

  MOE_TEAM Candidates(const ExpertPairs& pairs, Shared& shared, const Team& team)
      : pairs_(pairs), shared_(shared), team_(team) {}

  MOE_TEAM void take_chosen() {
    takes_chosen_ = true;
    team_.list(
        pairs_.chunks, shared_.num_keys, [&](int chunk) { return pairs_.column[chunk]; },
        [&](int chunk, int bit, int place) { list(chunk * kChunkTokens + bit, place); });
    make_keys();
  }

  /// `unchosen` pairs are there, of which the best `wanted` must be taken.
  MOE_TEAM void take_unchosen(int unchosen, int wanted) {
    takes_chosen_ = false;
    const float bound = bound_for(wanted);
    find_promising(bound);
    const bool fits = shared_.num_promising <= Shared::kMaxPromising &&
                      (bound > kNoLog || unchosen <= Shared::kMaxKeys);
    is_listed_ = fits;
    if (!fits) return;
    team_.list(
        shared_.num_promising * kParts, shared_.num_keys,
        [&](int item) { return reaching(item, bound); },
        [&](int item, int bit, int place) { list(first_token(item) + bit, place); });
    make_keys();
  }

  /// The key that the best `wanted` > 0 of them reach.
  MOE_TEAM RankKey select(int wanted) const {
    return select_key(team_, shared_.select, wanted, num_items(),
                      [&](int item, auto use) { each_key(item, use); });
  }

  /// Flips the bits of those whose key is wanted: chosen ones are dropped, others added.
  template <class IsWanted>
  MOE_TEAM void flip(IsWanted is_wanted) const {
    team_.each(num_items(), [&](int item) {
      each_key(item, [&](RankKey key) {
        const auto token = static_cast<int>(token_of(key));
        if (is_wanted(key)) team_.flip(pairs_.column[token / kChunkTokens], 1u << token % 32);
      });
    });
  }

  /// Score units, summed over those whose key is counted.
  template <class IsCounted>
  MOE_TEAM unsigned long long sum_units(unsigned long long& cell, IsCounted is_counted) const {
    return team_.sum(num_items(), cell, [&](int item) {
      unsigned long long sum = 0;
      each_key(item, [&](RankKey key) {
        if (is_counted(key)) sum += score_units(score_of(key), pairs_.scores.scale);
      });
      return sum;
    });
  }

 private:
  static constexpr int kPartTokens = 8;  // of one thread
  static constexpr int kParts = kChunkTokens / kPartTokens;

  MOE_TEAM void list(int token, int place) const {
    if (place < Shared::kMaxKeys) shared_.keys[place] = static_cast<RankKey>(token);
  }
  MOE_TEAM void make_keys() {
    is_listed_ = shared_.num_keys <= Shared::kMaxKeys;
    if (!is_listed_) return;
    team_.each(shared_.num_keys,
               [&](int i) { shared_.keys[i] = pairs_.key(static_cast<int>(shared_.keys[i])); });
  }

  MOE_TEAM int num_items() const { return is_listed_ ? shared_.num_keys : pairs_.chunks; }
  template <class Use>
  MOE_TEAM void each_key(int item, Use use) const {
    if (is_listed_) return use(shared_.keys[item]);
    const std::uint32_t bits = takes_chosen_ ? pairs_.column[item] : pairs_.unchosen(item);
    each_bit(bits, [&](int bit) { use(pairs_.key(item * kChunkTokens + bit)); });
  }

  /// Two digits of the logarithm: a bound need not be tight.
  MOE_TEAM float bound_for(int wanted) const {
    if (wanted > pairs_.chunks) return kNoLog;
    const bool fits = pairs_.chunks <= Shared::kMaxKeys;
    const auto key_of = [&](int chunk) {
      return log_key(pairs_.best_log(chunk), static_cast<std::uint32_t>(chunk));
    };
    if (fits) team_.each(pairs_.chunks, [&](int chunk) { shared_.keys[chunk] = key_of(chunk); });
    const RankKey found = select_key(
        team_, shared_.select, wanted, pairs_.chunks,
        [&](int chunk, auto use) { use(fits ? shared_.keys[chunk] : key_of(chunk)); }, 48);
    return log_bound(log_of(found));
  }

  MOE_TEAM void find_promising(float bound) const {
    team_.list(
        pairs_.chunks, shared_.num_promising,
        [&](int chunk) { return pairs_.best_log(chunk) < bound ? 0u : 1u; },
        [&](int chunk, int, int place) {
          if (place < Shared::kMaxPromising) shared_.promising[place] = chunk;
        });
  }

  MOE_TEAM int first_token(int item) const {
    return shared_.promising[item / kParts] * kChunkTokens + item % kParts * kPartTokens;
  }
  /// Unchosen pairs of a part of a promising chunk that are not below the bound; a NaN is not.
  MOE_TEAM std::uint32_t reaching(int item, float bound) const {
    const int first = first_token(item);
    const std::uint32_t unchosen =
        pairs_.unchosen(first / kChunkTokens) >> first % kChunkTokens & ((1u << kPartTokens) - 1);
    if (unchosen == 0 || bound == kNoLog) return unchosen;
    const auto norm_of = [&](int i) {
      const int token = first + i < pairs_.tokens ? first + i : pairs_.tokens - 1;
      return norm_log(pairs_.scores, pairs_.scores.norms[token]);
    };
    std::uint32_t reaching = 0;
    each_log<kPartTokens>(pairs_.scores, first, pairs_.tokens, pairs_.expert, norm_of,
                          [&](int i, float log) {
                            if (!(log < bound)) reaching |= 1u << i;
                          });
    return unchosen & reaching;
  }

  const ExpertPairs& pairs_;
  Shared& shared_;
  Team team_;
  bool takes_chosen_ = true, is_listed_ = true;
};

}  // namespace moe::cuda
