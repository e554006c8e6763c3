// Token rounding of one expert by a Team, on its column of the chunk masks: bits of dropped pairs
// are cleared, bits of added ones set. routing/rounding.cpp states what shall be.
//
//   count      the column, and its population: c
//   decide     up or down, from c, the counts of the experts before (balance) or the scores on both
//              sides (stochastic_score)
//   down       select the key of the worst kept among the chosen; flip the bits below it
//   up         select the key of the worst added among the best unchosen; flip theirs
//   scan       cells and totals of the permutation, from the column as it is now
#pragma once

#include <cstdint>

#include "core/rounding_rule.h"
#include "cuda/kernels/permute/build_rows.h"
#include "cuda/kernels/round/candidates.h"
#include "cuda/kernels/router/choose.h"

namespace moe::cuda {

struct RoundArgs {
  PairScores scores;
  Rounding rounding;
  std::uint64_t seed;
  PermuteScratch permutation;  // masks of the choice; cells and totals are written
  const float* best_logs;      // [chunks, E] of best_unchosen(); unread by the rule down
  std::uint32_t* columns;      // [E, chunks] scratch, where a column is too long for shared memory
  const std::int32_t* counts;  // [E] chosen pairs; balance only
  int tokens, chunks;
};

template <class Team>
class RoundExpert {
 public:
  static constexpr int kMaxThreads = 1024;  // a multiple of kScanGroup
  static constexpr int kScanGroup = 16;
  static constexpr int kMaxColumn = 2048;  // chunks, of 65536 tokens

  struct Shared {
    CandidateShared candidates;
    std::uint32_t column[kMaxColumn];
    int count;
    unsigned long long units;
    int surpluses[kMaxExperts];  // of the experts before; below 0 where the way up is closed
    long long residual;
    int rows[kMaxThreads], group_rows[kMaxThreads / kScanGroup];  // of each thread's chunks
  };

  MOE_TEAM RoundExpert(const RoundArgs& args, Shared& shared, const Team& team, int expert)
      : args_(args),
        shared_(shared),
        team_(team),
        expert_(expert),
        column_(args.chunks <= kMaxColumn ? shared.column
                                          : args.columns + std::int64_t{expert} * args.chunks),
        pairs_{args.scores, args.best_logs, column_, expert, args.tokens, args.chunks} {}

  MOE_TEAM void run() const {
    round();
    scan();
  }

 private:
  MOE_TEAM void round() const {
    const int count = team_.sum(args_.chunks, shared_.count, [&](int chunk) {
      column_[chunk] = args_.permutation.chunk_masks[cell(chunk)];
      return population(column_[chunk]);
    });
    const std::int64_t surplus = count % args_.rounding.tile;
    if (surplus == 0) return;
    const std::int64_t missing = args_.rounding.tile - surplus;
    const int kept = count - static_cast<int>(surplus), added = static_cast<int>(missing);
    const bool is_open = count + missing <= args_.tokens;
    if (is_open && args_.rounding.rule == RoundingRule::stochastic_score) {
      round_by_score(count, kept, added);
    } else if (is_open && count_goes_up(args_.rounding, expert_, surplus, residual(), args_.seed)) {
      add_best(count, added);
    } else {
      keep_best(kept);
    }
  }

  MOE_TEAM void keep_best(int kept) const {
    Candidates<Team> chosen(pairs_, shared_.candidates, team_);
    chosen.take_chosen();
    const RankKey worst_kept = select_kept(chosen, kept);
    chosen.flip([&](RankKey key) { return key < worst_kept; });
  }

  MOE_TEAM void add_best(int count, int added) const {
    Candidates<Team> unchosen(pairs_, shared_.candidates, team_);
    unchosen.take_unchosen(args_.tokens - count, added);
    const RankKey worst_added = unchosen.select(added);
    unchosen.flip([&](RankKey key) { return key >= worst_added; });
  }

  MOE_TEAM void round_by_score(int count, int kept, int added) const {
    Candidates<Team> chosen(pairs_, shared_.candidates, team_);
    chosen.take_chosen();
    const RankKey worst_kept = select_kept(chosen, kept);
    const auto dropped_units =
        chosen.sum_units(shared_.units, [&](RankKey key) { return key < worst_kept; });
    Candidates<Team> unchosen(pairs_, shared_.candidates, team_);
    unchosen.take_unchosen(args_.tokens - count, added);
    const RankKey worst_added = unchosen.select(added);
    const auto added_units =
        unchosen.sum_units(shared_.units, [&](RankKey key) { return key >= worst_added; });
    if (score_goes_up(args_.seed, expert_, dropped_units, added_units)) {
      unchosen.flip([&](RankKey key) { return key >= worst_added; });
    } else {
      chosen.take_chosen();  // whose place the unchosen took
      chosen.flip([&](RankKey key) { return key < worst_kept; });
    }
  }

  MOE_TEAM RankKey select_kept(const Candidates<Team>& chosen, int kept) const {
    return kept == 0 ? ~RankKey{0} : chosen.select(kept);
  }

  /// Rows of the expert in earlier chunks, for every chunk. A thread has a run of chunks.
  MOE_TEAM void scan() const {
    const int run = (args_.chunks + team_.size() - 1) / team_.size();
    const auto end_of = [&](int i) {
      return (i + 1) * run < args_.chunks ? (i + 1) * run : args_.chunks;
    };
    team_.each(team_.size(), [&](int i) {
      int rows = 0;
      for (int chunk = i * run; chunk < end_of(i); ++chunk) rows += population(column_[chunk]);
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
        args_.permutation.cells[cell(chunk)] = {column_[chunk], row};
        row += population(column_[chunk]);
      }
      if (i == team_.size() - 1) args_.permutation.totals[expert_] = row;
    });
  }

  MOE_TEAM std::int64_t cell(int chunk) const {
    return std::int64_t{chunk} * args_.scores.num_experts + expert_;
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

  const RoundArgs& args_;
  Shared& shared_;
  Team team_;
  int expert_;
  std::uint32_t* column_;  // [chunks]
  ExpertPairs pairs_;
};

}  // namespace moe::cuda
