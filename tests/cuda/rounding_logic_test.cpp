// Token rounding as the device does it, run by the host against the CPU's rounding: the same code
// with a loop for a block, its steps in another order for every seed, and with threads that meet at
// barriers where a block's do. Needs no GPU.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <limits>
#include <memory>
#include <numeric>
#include <thread>

#include "cuda/kernels/permute/ragged_chunk.h"
#include "cuda/kernels/round/round_expert.h"
#include "rounding_cases.h"

namespace moe::tests {
namespace {

using cuda::ChunkCell;
using cuda::PairNorm;

/// A block of `threads` that is one, whose each() takes the work in an order of its own.
struct LoopTeam {
  int threads;
  std::uint64_t order;

  int size() const { return threads; }

  template <class Work>
  void each(int count, Work work) const {
    if (count == 0) return;
    auto stride = static_cast<std::int64_t>(order % 97 * 2 + 1);
    while (std::gcd(stride, std::int64_t{count}) != 1) stride += 2;
    for (std::int64_t i = 0; i < count; ++i) {
      work(static_cast<int>((i * stride + static_cast<std::int64_t>(order % 13)) % count));
    }
  }
  template <class Sum, class Value>
  Sum sum(int count, Sum& cell, Value value) const {
    cell = 0;
    each(count, [&](int i) { cell += value(i); });
    return cell;
  }
  template <class BitsOf, class Use>
  void list(int count, int& cell, BitsOf bits_of, Use use) const {
    cell = 0;
    each(count, [&](int i) { cuda::each_bit(bits_of(i), [&](int bit) { use(i, bit, cell++); }); });
  }
  void count_up(int& cell) const { ++cell; }
  void flip(std::uint32_t& word, std::uint32_t bits) const { word ^= bits; }
};

struct LoopBlock {
  using Team = LoopTeam;
  LoopTeam team;
  template <class Work>
  void run(Work work) const {
    work(team);
  }
};

/// One of a block's threads, step by step as BlockTeam has it.
struct ThreadTeam {
  int thread, threads;
  std::barrier<>* barrier;

  int size() const { return threads; }

  template <class Work>
  void each(int count, Work work) const {
    for (int i = thread; i < count; i += threads) work(i);
    barrier->arrive_and_wait();
  }
  template <class Sum, class Value>
  Sum sum(int count, Sum& cell, Value value) const {
    if (thread == 0) cell = 0;
    Sum own = 0;
    for (int i = thread; i < count; i += threads) own += value(i);
    barrier->arrive_and_wait();
    std::atomic_ref(cell).fetch_add(own);
    barrier->arrive_and_wait();
    const Sum total = cell;
    barrier->arrive_and_wait();
    return total;
  }
  template <class BitsOf, class Use>
  void list(int count, int& cell, BitsOf bits_of, Use use) const {
    if (thread == 0) cell = 0;
    barrier->arrive_and_wait();
    for (int i = thread; i < count; i += threads) {
      cuda::each_bit(bits_of(i), [&](int bit) { use(i, bit, std::atomic_ref(cell).fetch_add(1)); });
    }
    barrier->arrive_and_wait();
  }
  void count_up(int& cell) const { std::atomic_ref(cell).fetch_add(1); }
  void flip(std::uint32_t& word, std::uint32_t bits) const {
    std::atomic_ref(word).fetch_xor(bits);
  }
};

struct ThreadBlock {
  using Team = ThreadTeam;
  static constexpr int kThreads = 16;
  template <class Work>
  void run(Work work) const {
    std::barrier<> barrier(kThreads);
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] { work(ThreadTeam{i, kThreads, &barrier}); });
    }
  }
};

std::vector<PairNorm> norms_of(const RoundingCase& c) {
  std::vector<PairNorm> norms;
  for (const routing::TokenNorm& norm : c.choice.norms) {
    norms.push_back({norm.shift, norm.denominator});
  }
  return norms;
}

cuda::PairScores scores_of(const RoundingCase& c, const std::vector<PairNorm>& norms) {
  return {c.logits.data(), norms.data(), static_cast<int>(c.config.num_experts),
          c.config.gate.scale, c.config.gate.kind == GateKind::sigmoid};
}

float best_unchosen(const cuda::PairScores& scores, std::uint32_t chosen, int chunk, int tokens,
                    int expert) {
  std::array<cuda::NormLog, cuda::kChunkTokens> norms = {};
  for (int i = 0; i < cuda::kChunkTokens && chunk * cuda::kChunkTokens + i < tokens; ++i) {
    norms[i] = cuda::norm_log(scores, scores.norms[chunk * cuda::kChunkTokens + i]);
  }
  return cuda::best_unchosen(scores, norms.data(), chosen, chunk, tokens, expert);
}

float log_score(const cuda::PairScores& scores, int token, int expert) {
  return cuda::log_score(scores.is_sigmoid, scores.logit(token, expert),
                         cuda::norm_log(scores, scores.norms[token]));
}

/// What choose() leaves beside its choice, and what CountPairs counts.
struct Survey {
  std::vector<std::uint32_t> masks;
  std::vector<float> best_logs;  // NaN for a rule that does not read it
  std::vector<std::int32_t> counts;

  Survey(const RoundingCase& c, const cuda::PairScores& scores)
      : masks(chosen_masks(c)),
        best_logs(masks.size(), std::numeric_limits<float>::quiet_NaN()),
        counts(scores.num_experts) {
    const auto tokens = static_cast<int>(c.tokens);
    for (int cell = 0; cell < std::ssize(masks); ++cell) {
      const int chunk = cell / scores.num_experts, expert = cell % scores.num_experts;
      counts[expert] += cuda::population(masks[cell]);
      if (!may_add_pairs(c.config.rounding.rule)) continue;
      best_logs[cell] = best_unchosen(scores, masks[cell], chunk, tokens, expert);
    }
  }
};

/// RoundExperts, then PlaceRagged.
template <class Block>
RoundedRows rounded_by(const Block& block, const RoundingCase& c, const cuda::PairScores& scores) {
  const int num_experts = scores.num_experts, tokens = static_cast<int>(c.tokens);
  const int chunks = static_cast<int>(cuda::num_chunks(c.tokens));
  Survey survey(c, scores);
  std::vector<std::uint32_t> columns(survey.masks.size(), 0xdeadbeef);
  std::vector<ChunkCell> cells(survey.masks.size());
  std::vector<std::int32_t> totals(num_experts, -1);
  const cuda::RoundArgs round_args = {scores,
                                      c.config.rounding,
                                      c.seed,
                                      {survey.masks.data(), cells.data(), totals.data()},
                                      survey.best_logs.data(),
                                      columns.data(),
                                      survey.counts.data(),
                                      tokens,
                                      chunks};
  using Expert = cuda::RoundExpert<typename Block::Team>;
  const auto expert_shared = std::make_unique<typename Expert::Shared>();
  for (int e = 0; e < num_experts; ++e) {
    block.run([&](const auto& team) { Expert(round_args, *expert_shared, team, e).run(); });
  }

  const auto max_rows = static_cast<std::size_t>(max_routed_rows(c.config, c.tokens));
  RoundedRows rows{std::vector<std::int32_t>(num_experts + 1, -1),
                   std::vector<std::int32_t>(max_rows), std::vector<std::int32_t>(c.tokens + 1, -1),
                   std::vector<std::int32_t>(max_rows), std::vector<float>(max_rows)};
  const cuda::RaggedArgs args = {
      {scores, nullptr, rows.expert_offsets.data(), rows.row_tokens.data(), rows.row_scores.data(),
       rows.token_offsets.data(), rows.token_rows.data(), c.tokens},
      cells.data(),
      totals.data(),
      tokens,
      chunks};
  using Chunk = cuda::RaggedChunk<typename Block::Team>;
  const auto shared = std::make_unique<typename Chunk::Shared>();
  for (int chunk = 0; chunk < std::max(chunks, 1); ++chunk) {
    block.run([&](const auto& team) { Chunk(args, *shared, team, chunk).run(); });
  }
  return rows;
}

template <class Block>
void expect_cpu_rows(const RoundingCase& c, const Block& block) {
  SCOPED_TRACE(describe(c));
  const std::vector<PairNorm> norms = norms_of(c);
  const cuda::PairScores scores = scores_of(c, norms);
  const RoundedRows expected = rounded_on_cpu(c);
  ASSERT_LE(std::ssize(expected.row_tokens), max_routed_rows(c.config, c.tokens));
  expect_rows(rounded_by(block, c, scores), expected);
}

TEST(RoundingLogic, EqualsTheCpuOverThousandsOfCases) {
  for (int index = 0; index < 3000; ++index) {
    const RoundingCase c = rounding_case(index);
    expect_cpu_rows(c, LoopBlock{{index % 2 == 0 ? 512 : 16, c.seed}});
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(RoundingLogic, EqualsTheCpuWhereChunksAreMany) {
  for (RoundingRule rule : kRoundingRules) {
    for (std::int64_t tile : {64, 128, 256}) {
      for (LogitKind kind : {LogitKind::ordinary, LogitKind::coarse, LogitKind::hot}) {
        LayerConfig config = routing::layer(24, 3);
        config.rounding = {rule, tile};
        expect_cpu_rows(rounding_case(config, 9001, kind, 5), LoopBlock{{256, 5}});
        if (::testing::Test::HasFailure()) return;
      }
    }
  }
}

/// Lists and columns that do not fit into shared memory.
TEST(RoundingLogic, EqualsTheCpuWhereExpertsHaveManyRows) {
  for (RoundingRule rule : kRoundingRules) {
    for (std::int64_t tokens : {20000, 70000}) {
      for (LogitKind kind : {LogitKind::ordinary, LogitKind::coarse}) {
        LayerConfig config = routing::layer(4, 2);
        config.rounding = {rule, 128};
        expect_cpu_rows(rounding_case(config, tokens, kind, 5), LoopBlock{{512, 5}});
        if (::testing::Test::HasFailure()) return;
      }
    }
  }
}

TEST(RoundingLogic, TakesNoTokens) {
  LayerConfig config = routing::layer(40, 3);
  config.rounding = {RoundingRule::nearest, 64};
  expect_cpu_rows(rounding_case(config, 0, LogitKind::ordinary, 1), LoopBlock{{256, 1}});
}

/// What a thread sanitizer looks at: barriers are all that keeps the threads apart.
TEST(RoundingLogic, ThreadsMeetWhereTheyMust) {
  for (RoundingRule rule : kRoundingRules) {
    LayerConfig config = routing::layer(3, 2);
    config.rounding = {rule, 32};
    expect_cpu_rows(rounding_case(config, 130, LogitKind::ordinary, 6), ThreadBlock{});
    if (::testing::Test::HasFailure()) return;
    LayerConfig one = routing::layer(1, 1);  // whose list does not fit into shared memory
    one.rounding = {rule, 32};
    expect_cpu_rows(rounding_case(one, 4500, LogitKind::ordinary, 6), ThreadBlock{});
    if (::testing::Test::HasFailure()) return;
  }
}

/// The bound may not lose a pair: every score's logarithm is as near as it promises.
TEST(RoundingLogic, LogarithmsAreWithinTheirError) {
  for (LogitKind kind : {LogitKind::ordinary, LogitKind::extreme, LogitKind::hot}) {
    for (const Gate& gate : routing::all_gates(4, 2)) {
      const RoundingCase c = rounding_case(routing::layer(16, 4, gate), 500, kind, 9);
      const std::vector<PairNorm> norms = norms_of(c);
      const cuda::PairScores scores = scores_of(c, norms);
      for (int pair = 0; pair < 500 * 16; ++pair) {
        const float log = log_score(scores, pair / 16, pair % 16);
        const double exact = std::log(double{scores.score(pair / 16, pair % 16)});
        if (std::abs(log) > cuda::kLogRange && std::abs(exact) > cuda::kLogRange) continue;
        ASSERT_NEAR(log, exact, cuda::kLogError / 4) << routing::describe(c.config, 500);
      }
    }
  }
}

/// Few scores are evaluated: of the unchosen pairs hardly more than are added become candidates.
TEST(RoundingLogic, TheBoundLeavesFewCandidates) {
  LayerConfig config = routing::layer(8, 2);
  const RoundingCase c = rounding_case(config, 8192, LogitKind::ordinary, 3);
  const std::vector<PairNorm> norms = norms_of(c);
  const cuda::PairScores scores = scores_of(c, norms);
  const std::vector<std::uint32_t> masks = chosen_masks(c);
  const int chunks = 256, wanted = 60;
  std::vector<float> best;
  for (int chunk = 0; chunk < chunks; ++chunk) {
    best.push_back(best_unchosen(scores, masks[chunk * 8 + 1], chunk, 8192, 1));
  }
  std::sort(best.begin(), best.end(), std::greater<>());
  const float bound = cuda::log_bound(best[wanted - 1]);
  int candidates = 0;
  for (int t = 0; t < 8192; ++t) {
    const bool is_chosen = (masks[t / 32 * 8 + 1] >> t % 32 & 1) != 0;
    candidates += !is_chosen && log_score(scores, t, 1) >= bound;
  }
  EXPECT_GE(candidates, wanted);
  EXPECT_LE(candidates, 2 * wanted);
}

TEST(SelectKey, FindsEveryRank) {
  cuda::SelectShared shared;
  const LoopTeam team{32, 5};
  std::vector<cuda::RankKey> keys;
  for (std::uint32_t i = 0; i < 300; ++i) {  // few scores, so that tokens decide
    keys.push_back(cuda::rank_key(static_cast<float>(i % 4) * 0.25f, i * 7919));
  }
  std::vector<cuda::RankKey> sorted = keys;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  for (int wanted = 1; wanted <= 300; ++wanted) {
    const cuda::RankKey found =
        cuda::select_key(team, shared, wanted, 300, [&](int item, auto use) { use(keys[item]); });
    ASSERT_LE(found, sorted[wanted - 1]);
    ASSERT_TRUE(wanted == 300 || found > sorted[wanted]);
  }
}

}  // namespace
}  // namespace moe::tests
