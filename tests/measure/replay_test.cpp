// Record, then replay: the trace holds what the run chose, and a run with it computes the same
// bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "measure/comparison.h"
#include "measure/problem/given_routing.h"
#include "measure/trace/record_trace.h"
#include "support/bench.h"

namespace moe::measure {
namespace {

using record::Row;
using record::Status;
using testing::HasSubstr;
using tests::Bench;
using tests::Case;
using tests::cpu;

constexpr std::uint64_t kSeed = 7;  // of tests::Bench

routing::Trace recorded(const Case& test, std::uint64_t seed = kSeed, std::int64_t layers = 1) {
  RecordRequest request{.traffic = test.traffic, .seed = seed, .num_layers = layers};
  request.model.layer = test.config;
  request.model.seq_len = test.tokens;
  request.with_logits = true;
  return record_trace(cpu(), request, [](std::int64_t) {});
}

Case skewed_case() {
  Case test{"skewed", tests::layer(32, 24, 16, 2), 96, {routing::TrafficKind::zipf, 1.0}};
  test.config.shared = {.ffn_dim = 12, .gated = true};
  return test;
}

TEST(RecordTrace, HoldsWhatTheWholeLayerChooses) {
  Case test = skewed_case();
  for (const tests::NamedGate& named : tests::gates_for(test.config)) {
    test.config.gate = named.gate;
    Bench bench("sonic", test);
    const HostResult result = bench.trial.run_for_check();
    const routing::Trace trace = recorded(test);
    EXPECT_EQ(trace.layers[0].experts, result.chosen_experts) << named.name;
    EXPECT_EQ(trace.layers[0].scores, result.chosen_scores) << named.name;
    EXPECT_EQ(trace.layers[0].logits, result.logits) << named.name;
  }
}

TEST(RecordTrace, EveryLayerHasTheNextSeed) {
  const routing::Trace trace = recorded(skewed_case(), 7, 3);
  ASSERT_EQ(trace.layers.size(), 3u);
  EXPECT_EQ(trace.layers[1].experts, recorded(skewed_case(), 8).layers[0].experts);
  EXPECT_NE(trace.layers[1].experts, trace.layers[0].experts);
  EXPECT_THAT(trace.origin, HasSubstr("zipf:1, seed 7, cpu"));
}

TEST(RecordTrace, RefusesATrace) {
  Case test = skewed_case();
  test.traffic = routing::parse_traffic("trace:a");
  EXPECT_THROW(recorded(test), Error);
}

class Replay : public testing::TestWithParam<std::string> {};

TEST_P(Replay, EqualsTheRecordedRunBitForBit) {
  for (const Rounding& rounding : tests::roundings()) {
    Case test = skewed_case();
    test.config.rounding = rounding;
    SCOPED_TRACE(name_of(rounding.rule));
    Bench bench(GetParam(), test);
    const HostResult own = bench.trial.run_for_check();
    const auto out = tests::bytes_of(own.out), d_w_up = tests::bytes_of(own.gradients.w_up),
               d_w_down = tests::bytes_of(own.gradients.w_down),
               d_scores = tests::bytes_of(own.d_scores);

    const routing::Trace trace = recorded(test);
    const GivenRouting given(cpu(), test.config, trace.layers[0], test.tokens);
    Trial trial(cpu(), bench.choice, bench.plan, bench.problem, bench.workbench, &given);
    const HostResult replayed = trial.run_for_check();
    EXPECT_EQ(replayed.expert_offsets, own.expert_offsets);
    EXPECT_EQ(tests::bytes_of(replayed.out), out);
    EXPECT_EQ(tests::bytes_of(replayed.gradients.w_up), d_w_up);
    EXPECT_EQ(tests::bytes_of(replayed.gradients.w_down), d_w_down);
    EXPECT_EQ(tests::bytes_of(replayed.d_scores), d_scores) << "rows and poison behind them";
    EXPECT_TRUE(replayed.gradients.w_router.empty()) << "no router, no gradient of it";
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, Replay, testing::Values("vanilla", "grouped_gemm", "sonic"),
                         [](const auto& info) { return info.param; });

/// A comparison over a trace of its own traffic.
struct Replayed : Comparison {
  explicit Replayed(bool with_logits = true) {
    request.traffic = routing::parse_traffic("trace:some/where/a.moetrace");
    const Case test{"", request.model.layer, request.model.tokens(), {}};
    request.trace = TraceInput{recorded(test).layers[0], "crc32:01234567"};
    if (!with_logits) request.trace->layer.logits.clear();
  }
};

TEST(RunBench, VerifiesAndTimesATrace) {
  Replayed comparison;
  EXPECT_TRUE(comparison.execute());
  EXPECT_EQ(comparison.run.traffic, "trace:a.moetrace@0 crc32:01234567");
  for (const Row& row : comparison.run.rows) {
    SCOPED_TRACE(row.variant);
    EXPECT_EQ(row.status, Status::ok) << row.reason;
    EXPECT_TRUE(row.total.has_value());
    std::vector<std::string> checked;
    for (const record::Check& check : row.checks) checked.push_back(check.what);
    EXPECT_THAT(checked, testing::IsSupersetOf({"written", "expert_offsets", "row_tokens",
                                                "row_scores", "out", "d_x", "d_scores", "d_w_up"}));
    EXPECT_THAT(checked, testing::Not(testing::Contains("logits")));
    EXPECT_THAT(checked, testing::Not(testing::Contains("d_w_router")));
    EXPECT_GT(row.load->auxiliary_loss, 0);
    EXPECT_EQ(row.executed_pairs % 8, 0);
    EXPECT_EQ(row.rounding.has_value(), row.different_routing);
  }
  EXPECT_GT(comparison.row("sonic+rounding").rounding->added_pairs, 0);
}

TEST(RunBench, SkipsWhatATraceCannotBeRoundedTo) {
  Replayed comparison(false);
  EXPECT_TRUE(comparison.execute());
  EXPECT_EQ(comparison.row("sonic").status, Status::ok);
  EXPECT_TRUE(std::isnan(comparison.row("sonic").load->auxiliary_loss))
      << "nobody knows the logits";
  EXPECT_EQ(comparison.row("sonic+rounding").status, Status::skipped);
  EXPECT_THAT(comparison.row("sonic+rounding").reason,
              HasSubstr("adds pairs, and the trace has no logits"));
  Replayed down(false);
  down.request.model.layer.rounding.rule = RoundingRule::down;
  EXPECT_TRUE(down.execute());
  EXPECT_EQ(down.row("sonic+rounding").status, Status::ok);
}

TEST(RunBench, NeverRunsARouterInPlaceOfATrace) {
  Replayed comparison;
  comparison.request.trace.reset();
  EXPECT_THROW(comparison.execute(), Error);
}

TEST(RunBench, FindsAVariantThatChangesTheGivenRouting) {
  Replayed comparison;
  constexpr int kRowTokens = 1;  // as FakeDevice numbers what is copied, without logits
  comparison.device.damage = [](int variant, int array, void* host, std::size_t) {
    auto* tokens = static_cast<std::int32_t*>(host);
    if (variant == 2 && array == kRowTokens) std::swap(tokens[0], tokens[1]);
  };
  EXPECT_TRUE(comparison.execute());
  EXPECT_EQ(comparison.row("grouped_gemm").status, Status::failed);
  EXPECT_EQ(comparison.row("grouped_gemm").reason, "row_tokens differs from the truth");
  EXPECT_EQ(comparison.row("sonic").status, Status::ok);
}

}  // namespace
}  // namespace moe::measure
