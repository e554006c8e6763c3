// Token rounding of one expert by a Team, in place on its column of the chunk masks: bits of
// dropped pairs are cleared, bits of added ones set. routing/rounding.cpp states what shall be.
//
//   count      population of the column: c
//   decide     up or down, from c, the counts of the experts before (balance) or the scores on both
//              sides (stochastic_score)
//   down       select the key of the worst kept among the chosen; clear the bits below it
//   up         bound: the m-th best of the chunks' best logarithms, m = rows missing to the tile,
//              is reached by m pairs, so that the best m are among the few that reach it
//              select the key of the worst added among these candidates; set their bits
//   scan       cells and totals of the permutation, from the column as it is now
//
// Chunks with a candidate are about as many as candidates: of the T scores of a column some hundred
// are evaluated to the bit.
#pragma once

#include <cstdint>

#include "core/rounding_rule.h"
#include "cuda/kernels/permute/build_rows.h"
#include "cuda/kernels/round/select.h"
#include "cuda/kernels/round/survey.h"
#include "cuda/kernels/router/choose.h"
#include "cuda/tile/bits.h"

namespace moe::cuda {

struct RoundArgs {
  PairScores scores;
  Rounding rounding;
  std::uint64_t seed;
  PermuteScratch permutation;  // masks in place; cells and totals are written
  const float* best_logs;      // [chunks, E] of best_unchosen(); unread by the rule down
  std::uint32_t* candidates;   // [E, chunks]
  const std::int32_t* counts;  // [E] chosen pairs; balance only
  int tokens, chunks;
};

template <class Team>
class RoundExpert {
 public:
  static constexpr int kMaxThreads = 512;  // a multiple of kScanGroup
  static constexpr int kScanGroup = 16;

  struct Shared {
    SelectShared select;
    int count;
    unsigned long long units;
    int surpluses[kMaxExperts];  // of the experts before; below 0 where the way up is closed
    long long residual;
    int rows[kMaxThreads], group_rows[kMaxThreads / kScanGroup];  // of each thread's chunks
  };

  MOE_TEAM RoundExpert(const RoundArgs& args, Shared& shared, const Team& team, int expert)
      : args_(args), shared_(shared), team_(team), expert_(expert) {
    while (args.chunks << part_bits_ < team.size() && part_bits_ < 5) ++part_bits_;
  }

  MOE_TEAM void run() const {
    round();
    scan();
  }

 private:
  MOE_TEAM void round() const {
    const int count =
        team_.sum(args_.chunks, shared_.count, [&](int chunk) { return population(mask(chunk)); });
    const std::int64_t surplus = count % args_.rounding.tile;
    if (surplus == 0) return;
    const std::int64_t missing = args_.rounding.tile - surplus;
    const bool is_open = count + missing <= args_.tokens;
    const bool asks_scores = is_open && args_.rounding.rule == RoundingRule::stochastic_score;
    bool goes_up =
        is_open && count_goes_up(args_.rounding, expert_, surplus, residual(), args_.seed);
    RankKey worst_kept = 0, worst_added = 0;
    unsigned long long dropped = 0;
    if (!goes_up) worst_kept = select_kept(count - static_cast<int>(surplus));
    if (asks_scores) dropped = sum_units([&](RankKey key) { return key < worst_kept; });
    if (goes_up || asks_scores) worst_added = select_added(static_cast<int>(missing));
    if (asks_scores) {
      const auto added = sum_units([&](RankKey key) { return key >= worst_added; });
      goes_up = score_goes_up(args_.seed, expert_, dropped, added);
    }
    goes_up ? add_from(worst_added) : drop_below(worst_kept);
  }

  /// Rows of the expert in earlier chunks, for every chunk. A thread has a run of chunks.
  MOE_TEAM void scan() const {
    const int run = (args_.chunks + team_.size() - 1) / team_.size();
    const auto end_of = [&](int i) {
      return (i + 1) * run < args_.chunks ? (i + 1) * run : args_.chunks;
    };
    team_.each(team_.size(), [&](int i) {
      int rows = 0;
      for (int chunk = i * run; chunk < end_of(i); ++chunk) rows += population(mask(chunk));
      shared_.rows[i] = rows;
    });
    team_.each(team_.size() / kScanGroup, [&](int group) {
      int rows = 0;
      for (int i = 0; i < kScanGroup; ++i) rows += shared_.rows[group * kScanGroup + i];
      shared_.group_rows[group] = rows;
    });
    team_.each(team_.size(), [&](int i) {
      int row = 0;
      for (int group = 0; group < i / kScanGroup; ++group) row += shared_.group_rows[group];
      for (int other = i / kScanGroup * kScanGroup; other < i; ++other) row += shared_.rows[other];
      for (int chunk = i * run; chunk < end_of(i); ++chunk) {
        const std::uint32_t rounded = mask(chunk);
        args_.permutation.cells[cell(chunk)] = {rounded, row};
        row += population(rounded);
      }
      if (i == team_.size() - 1) args_.permutation.totals[expert_] = row;
    });
  }

  MOE_TEAM std::int64_t cell(int chunk) const {
    return std::int64_t{chunk} * args_.scores.num_experts + expert_;
  }
  MOE_TEAM std::uint32_t& mask(int chunk) const {
    return args_.permutation.chunk_masks[cell(chunk)];
  }
  MOE_TEAM std::uint32_t& candidates(int chunk) const {
    return args_.candidates[std::int64_t{expert_} * args_.chunks + chunk];
  }
  MOE_TEAM RankKey key_of(int chunk, int bit) const {
    const int token = chunk * kChunkTokens + bit;
    return rank_key(args_.scores.score(token, expert_), static_cast<std::uint32_t>(token));
  }

  /// Rows more than chosen in all experts before this one; only balance asks.
  MOE_TEAM std::int64_t residual() const {
    if (args_.rounding.rule != RoundingRule::balance) return 0;
    const auto tile = args_.rounding.tile;
    team_.each(expert_, [&](int e) {
      const int count = args_.counts[e], surplus = static_cast<int>(count % tile);
      shared_.surpluses[e] = count - surplus + tile <= args_.tokens ? surplus : -surplus;
    });
    team_.each(1, [&](int) {
      std::int64_t sum = 0;
      for (int e = 0; e < expert_; ++e) {
        const int surplus = shared_.surpluses[e];
        const bool goes_up = surplus > 0 && balance_goes_up(sum, surplus, tile);
        sum += goes_up ? tile - surplus : (surplus < 0 ? surplus : -surplus);
      }
      shared_.residual = sum;
    });
    return shared_.residual;
  }

  /// The chosen pairs become the candidates. Returns the key that the best `kept` of them reach.
  MOE_TEAM RankKey select_kept(int kept) const {
    team_.each(args_.chunks, [&](int chunk) { candidates(chunk) = mask(chunk); });
    return kept == 0 ? ~RankKey{0} : select_candidates(kept);
  }

  /// The unchosen pairs that may be among the best `added` become the candidates. Returns the key
  /// that these best reach.
  MOE_TEAM RankKey select_added(int added) const {
    const float bound = added <= args_.chunks ? log_bound(log_of(select_best_logs(added))) : kNoLog;
    team_.each(args_.chunks, [&](int chunk) {
      candidates(chunk) = best_log_of(chunk) < bound ? 0 : promising(chunk, bound);
    });
    return select_candidates(added);
  }

  MOE_TEAM float best_log_of(int chunk) const { return args_.best_logs[cell(chunk)]; }
  MOE_TEAM RankKey select_best_logs(int wanted) const {
    return select_key(team_, shared_.select, wanted, args_.chunks, [&](int chunk, auto use) {
      use(log_key(best_log_of(chunk), static_cast<std::uint32_t>(chunk)));
    });
  }

  /// Unchosen pairs of a chunk that are not below the bound; a NaN is not.
  MOE_TEAM std::uint32_t promising(int chunk, float bound) const {
    const std::uint32_t unchosen = ~mask(chunk) & tokens_of_chunk(chunk, args_.tokens);
    if (bound == kNoLog) return unchosen;
    std::uint32_t reaches = 0;
    each_log(args_.scores, chunk, args_.tokens, expert_, [&](int i, float log) {
      if (!(log < bound)) reaches |= 1u << i;
    });
    return unchosen & reaches;
  }

  // Few chunks are cut into parts, so that all threads have some.
  MOE_TEAM int num_items() const { return args_.chunks << part_bits_; }
  template <class Use>
  MOE_TEAM void each_key(int item, Use use) const {
    const int chunk = item >> part_bits_, part = item & ((1 << part_bits_) - 1);
    const int width = kChunkTokens >> part_bits_;
    const std::uint32_t own = ~0u >> (kChunkTokens - width) << part * width;
    each_bit(candidates(chunk) & own, [&](int bit) { use(key_of(chunk, bit)); });
  }
  MOE_TEAM RankKey select_candidates(int wanted) const {
    return select_key(team_, shared_.select, wanted, num_items(),
                      [&](int item, auto use) { each_key(item, use); });
  }

  /// Over the candidates whose key is counted.
  template <class IsCounted>
  MOE_TEAM unsigned long long sum_units(IsCounted is_counted) const {
    return team_.sum(num_items(), shared_.units, [&](int item) {
      unsigned long long sum = 0;
      each_key(item, [&](RankKey key) {
        if (is_counted(key)) sum += score_units(score_of(key), args_.scores.scale);
      });
      return sum;
    });
  }

  MOE_TEAM void drop_below(RankKey worst_kept) const {
    team_.each(args_.chunks, [&](int chunk) {
      std::uint32_t kept = mask(chunk);
      each_bit(kept, [&](int bit) {
        if (key_of(chunk, bit) < worst_kept) kept &= ~(1u << bit);
      });
      mask(chunk) = kept;
    });
  }

  MOE_TEAM void add_from(RankKey worst_added) const {
    team_.each(args_.chunks, [&](int chunk) {
      std::uint32_t added = 0;
      each_bit(candidates(chunk), [&](int bit) {
        if (key_of(chunk, bit) >= worst_added) added |= 1u << bit;
      });
      mask(chunk) |= added;
    });
  }

  const RoundArgs& args_;
  Shared& shared_;
  Team team_;
  int expert_;
  int part_bits_ = 0;
};

}  // namespace moe::cuda
