// Token rounding on the device against the CPU's, bit for bit: rows, scores and their inverse.
#include "cuda/kernels/round/round.h"
#include "device_routing.cuh"
#include "rounding_cases.h"

namespace moe::tests {
namespace {

/// The device arrays of one case. All that nobody has written yet is poison.
class DeviceRounding {
 public:
  explicit DeviceRounding(const RoundingCase& c)
      : case_(c),
        max_rows_(static_cast<std::size_t>(max_routed_rows(c.config, c.tokens))),
        logits_(c.logits),
        norms_(2 * c.tokens),
        permute_scratch_(cuda::permute_scratch_bytes(c.tokens, c.config.num_experts)),
        round_scratch_(cuda::round_scratch_bytes(c.tokens, c.config.num_experts)),
        experts_(c.tokens * c.config.top_k),
        expert_offsets_(c.config.num_experts + 1),
        row_tokens_(max_rows_),
        token_offsets_(c.tokens + 1),
        token_rows_(max_rows_),
        scores_(c.tokens * c.config.top_k),
        row_scores_(max_rows_) {
    poison();
  }

  void poison() {
    const auto fill = [](const auto& array) {
      if (array.size() == 0) return;
      MOE_CUDA_CHECK(cudaMemset(array.get(), 0xff, array.size() * sizeof(*array.get())));
    };
    fill(permute_scratch_), fill(round_scratch_), fill(norms_), fill(scores_), fill(row_scores_);
    for (const auto* array :
         {&experts_, &expert_offsets_, &row_tokens_, &token_offsets_, &token_rows_}) {
      fill(*array);
    }
  }

  /// As a layer runs it.
  void run(cudaStream_t stream) {
    const bool may_add = may_add_pairs(case_.config.rounding.rule);
    cuda::choose(case_.config,
                 {logits_.get(), nullptr, nullptr, experts_.get(), scores_.get(), norms_.get(),
                  reinterpret_cast<std::uint32_t*>(permute_scratch_.get()), case_.tokens,
                  may_add ? reinterpret_cast<float*>(round_scratch_.get()) : nullptr},
                 stream);
    cuda::round_masks({pair_scores(), case_.config.rounding, case_.seed, permute_scratch_.get(),
                       round_scratch_.get(), case_.tokens},
                      stream);
    cuda::build_ragged_rows(
        {pair_scores(), permute_scratch_.get(), expert_offsets_.get(), row_tokens_.get(),
         row_scores_.get(), token_offsets_.get(), token_rows_.get(), case_.tokens},
        stream);
  }

  RoundedRows rows() const {
    MOE_CUDA_CHECK(cudaDeviceSynchronize());
    return {expert_offsets_.to_host(), row_tokens_.to_host(), token_offsets_.to_host(),
            token_rows_.to_host(), row_scores_.to_host()};
  }

 private:
  cuda::PairScores pair_scores() const {
    return {logits_.get(), reinterpret_cast<const cuda::PairNorm*>(norms_.get()),
            static_cast<int>(case_.config.num_experts), case_.config.gate.scale,
            case_.config.gate.kind == GateKind::sigmoid};
  }

  const RoundingCase& case_;
  std::size_t max_rows_;
  DeviceArray<float> logits_, norms_;
  DeviceArray<std::byte> permute_scratch_, round_scratch_;
  DeviceArray<std::int32_t> experts_, expert_offsets_, row_tokens_, token_offsets_, token_rows_;
  DeviceArray<float> scores_, row_scores_;
};

void expect_poison_behind(const RoundedRows& rows) {
  for (std::size_t i = rows.expert_offsets.back(); i < rows.row_tokens.size(); ++i) {
    ASSERT_EQ(rows.row_tokens[i], -1) << "written behind the last row";
    ASSERT_EQ(rows.token_rows[i], -1) << "written behind the last row";
  }
}

class RoundingTest : public DeviceRoutingTest {
 protected:
  static void expect_cpu_rows(const RoundingCase& c) {
    SCOPED_TRACE(describe(c));
    DeviceRounding device(c);
    device.run(nullptr);
    const RoundedRows rows = device.rows();
    expect_rows(rows, rounded_on_cpu(c));
    expect_poison_behind(rows);
  }

  static RoundingCase large_case(std::int64_t num_experts, std::int64_t top_k, Rounding rounding,
                                 LogitKind kind) {
    LayerConfig config = routing::layer(num_experts, top_k);
    config.rounding = rounding;
    return rounding_case(config, kIsEmulated ? 700 : 16384, kind, 11);
  }
};

TEST_F(RoundingTest, EqualsTheCpuOverThousandsOfCases) {
  for (int index = 0; index < (kIsEmulated ? 100 : 3000); ++index) {
    expect_cpu_rows(rounding_case(index));
    if (HasFailure()) return;
  }
}

TEST_F(RoundingTest, EqualsTheCpuForEveryRuleAndTile) {
  for (RoundingRule rule : kRoundingRules) {
    for (std::int64_t tile : {64, 128, 256}) {
      expect_cpu_rows(large_case(128, 8, {rule, tile}, LogitKind::ordinary));
      expect_cpu_rows(large_case(40, 4, {rule, tile}, LogitKind::hot));
      expect_cpu_rows(large_case(512, 10, {rule, tile}, LogitKind::ordinary));
      if (HasFailure()) return;
    }
  }
}

TEST_F(RoundingTest, EqualsTheCpuWhereScoresTieOrVanish) {
  for (RoundingRule rule : kRoundingRules) {
    for (LogitKind kind : {LogitKind::coarse, LogitKind::equal, LogitKind::extreme}) {
      expect_cpu_rows(large_case(33, 5, {rule, 128}, kind));
      expect_cpu_rows(large_case(300, 2, {rule, 64}, kind));
      if (HasFailure()) return;
    }
  }
}

/// Lists and columns that do not fit into shared memory.
TEST_F(RoundingTest, EqualsTheCpuWhereExpertsHaveManyRows) {
  for (RoundingRule rule : kRoundingRules) {
    LayerConfig config = routing::layer(2, 1);
    config.rounding = {rule, 128};
    expect_cpu_rows(rounding_case(config, kIsEmulated ? 9001 : 70000, LogitKind::ordinary, 13));
    if (HasFailure()) return;
  }
}

TEST_F(RoundingTest, TakesAsManyExpertsAsTheRouterDoes) {
  for (RoundingRule rule : kRoundingRules) {
    for (std::int64_t num_experts : {264, 265, 1000, 1024}) {
      LayerConfig config = routing::layer(num_experts, 32);
      config.rounding = {rule, 16};
      expect_cpu_rows(rounding_case(config, kIsEmulated ? 200 : 777, LogitKind::ordinary, 12));
      if (HasFailure()) return;
    }
  }
}

/// Few experts have large blocks, many have small ones. Small enough for a race checker.
TEST_F(RoundingTest, BlocksOfEverySizeEqualTheCpu) {
  for (RoundingRule rule : kRoundingRules) {
    for (std::int64_t num_experts : {40, 160, 300}) {
      LayerConfig config = routing::layer(num_experts, 4);
      config.rounding = {rule, 16};
      expect_cpu_rows(rounding_case(config, 200, LogitKind::ordinary, 14));
      if (HasFailure()) return;
    }
  }
}

TEST_F(RoundingTest, TakesNoTokens) {
  LayerConfig config = routing::layer(40, 3);
  config.rounding = {RoundingRule::balance, 64};
  expect_cpu_rows(rounding_case(config, 0, LogitKind::ordinary, 1));
}

/// As a layer runs it: choice, rounding and rows on one stream, captured; two replays, equal bits.
TEST_F(RoundingTest, FollowsTheRouterInAGraphAndRepeatsItsBits) {
  for (RoundingRule rule : kRoundingRules) {
    const RoundingCase c = large_case(160, 6, {rule, 128}, LogitKind::ordinary);
    SCOPED_TRACE(describe(c));
    DeviceRounding device(c);
    cudaStream_t stream;
    cudaGraph_t graph;
    cudaGraphExec_t executable;
    MOE_CUDA_CHECK(cudaStreamCreate(&stream));
    MOE_CUDA_CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    device.run(stream);
    MOE_CUDA_CHECK(cudaStreamEndCapture(stream, &graph));
    MOE_CUDA_CHECK(cudaGraphInstantiate(&executable, graph, 0));
    const RoundedRows expected = rounded_on_cpu(c);
    for (int run = 0; run < 2; ++run) {
      device.poison();
      MOE_CUDA_CHECK(cudaDeviceSynchronize());
      MOE_CUDA_CHECK(cudaGraphLaunch(executable, stream));
      expect_rows(device.rows(), expected);
    }
    MOE_CUDA_CHECK(cudaGraphExecDestroy(executable));
    MOE_CUDA_CHECK(cudaGraphDestroy(graph));
    MOE_CUDA_CHECK(cudaStreamDestroy(stream));
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace moe::tests
