// The router on the device against the router on the CPU, bit for bit.
#include "cuda/kernels/router/gate_backward.h"
#include "device_routing.cuh"
#include "moe/error.h"

namespace moe::tests {
namespace {

using routing::all_gates;
using routing::describe;
using routing::layer;
using routing::seeded;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

void expect_cpu_choice(const LayerConfig& config, const std::vector<float>& logits,
                       const std::vector<float>& b_select) {
  const std::int64_t tokens = std::ssize(logits) / config.num_experts;
  SCOPED_TRACE(describe(config, tokens));
  const routing::Choice expected = routing::choose(config, logits, b_select);
  const DeviceChoice actual = choose_on_device(config, logits, b_select);
  expect_same(actual.experts, expected.experts, "experts");
  expect_same(actual.scores, expected.scores, "scores");
  expect_same(actual.norms, flat(expected.norms), "norms");
  expect_same(actual.chunk_masks, chunk_masks_of(expected.experts, tokens, config), "masks");
}

class ChooseTest : public DeviceRoutingTest {};

TEST_F(ChooseTest, EqualsTheCpuForEveryGateAndShape) {
  std::uint64_t seed = 1;
  for (const auto [tokens, num_experts, top_k] : routing_shapes()) {
    for (const Gate& gate : all_gates()) {
      const LayerConfig config = layer(num_experts, top_k, gate);
      for (float step : {0.0f, 0.5f, 100.0f}) {  // no ties, many (zeros of both signs), only ties
        const auto logits = seeded(tokens * num_experts, seed++, 2.0f, step);
        expect_cpu_choice(config, logits, {});
        if (gate.selection_bias) {
          expect_cpu_choice(config, logits, seeded(num_experts, seed++, 0.2f, step));
        }
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_F(ChooseTest, EqualsTheCpuWithGroups) {
  struct Groups {
    std::int64_t num_experts, top_k, num_groups, kept_groups;
  };
  for (const Groups& g :
       {Groups{256, 8, 8, 4}, Groups{160, 6, 8, 3}, Groups{72, 5, 3, 2}, Groups{64, 9, 32, 7},
        Groups{40, 16, 5, 2}, Groups{32, 5, 32, 5}, Groups{1024, 32, 4, 1}, Groups{6, 2, 2, 1}}) {
    for (const Gate& gate : all_gates(g.num_groups, g.kept_groups)) {
      for (float step : {0.0f, 0.5f, 100.0f}) {
        const auto logits = seeded(203 * g.num_experts, 7, 1.0f, step);
        const auto b_select = seeded(g.num_experts, 8, 0.3f, step / 4);
        const LayerConfig config = layer(g.num_experts, g.top_k, gate);
        expect_cpu_choice(config, logits, gate.selection_bias ? b_select : std::vector<float>{});
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_F(ChooseTest, TakesNaNAndInfinityAsTheCpuDoes) {
  for (const auto& [num_groups, kept_groups] : {std::pair{1, 1}, std::pair{4, 2}}) {
    for (const Gate& gate : all_gates(num_groups, kept_groups)) {
      const std::int64_t tokens = 64, num_experts = 72;
      auto logits = seeded(tokens * num_experts, 21);
      const auto where = seeded(tokens * num_experts, 22);
      for (std::int64_t i = 0; i < std::ssize(logits); ++i) {
        if (where[i] > 0.5f) logits[i] = kNaN;
        if (where[i] < -1.5f) logits[i] = -kInfinity;
        if (where[i] < -2.5f) logits[i] = kInfinity;
        if (i / num_experts == 3) logits[i] = kNaN;
        if (i / num_experts == 4) logits[i] = -kInfinity;
        if (i / num_experts == 5) logits[i] = 200.0f * logits[i];
      }
      expect_cpu_choice(layer(num_experts, 11, gate), logits, {});
    }
  }
}

TEST_F(ChooseTest, AddsOffsetsFirst) {
  const LayerConfig config = layer(160, 6);
  const auto logits = seeded(100 * 160, 31), offsets = seeded(100 * 160, 32);
  std::vector<float> sums(logits.size());
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = logits[i] + offsets[i];
  const DeviceChoice actual = choose_on_device(config, logits, {}, offsets);
  const routing::Choice expected = routing::choose(config, sums);
  expect_same(actual.logits, sums, "logits");
  expect_same(actual.experts, expected.experts, "experts");
  expect_same(actual.scores, expected.scores, "scores");
}

TEST(ChooseLimits, AreRefusedBeforeTheDeviceIsTouched) {
  for (const LayerConfig& config :
       {layer(1025, 8), layer(64, 33), layer(66, 2, {.num_groups = 33, .kept_groups = 33}),
        layer(64, 20, {.num_groups = 8, .kept_groups = 2})}) {
    EXPECT_THROW(cuda::choose(config, {}, nullptr), Error) << describe(config, 0);
  }
}

/// Everything that gate_backward() reads, made on the CPU.
struct BackwardCase {
  LayerConfig config;
  std::int64_t tokens;
  std::vector<float> logits;
  routing::Choice choice;
  routing::RowArrays rows;
  std::vector<std::int32_t> token_offsets, token_rows;
  std::vector<float> d_scores;

  BackwardCase(const LayerConfig& layer_config, std::int64_t num_tokens, std::uint64_t seed)
      : config(layer_config),
        tokens(num_tokens),
        logits(seeded(tokens * config.num_experts, seed)),
        choice(routing::choose(config, logits)),
        rows(config.num_experts, max_routed_rows(config, tokens)),
        token_offsets(tokens + 1) {
    std::vector<std::byte> scratch(routing::rounding_scratch_bytes(tokens, 1));
    routing::build_rounded_rows(config, logits.data(), choice.experts.data(), choice.scores.data(),
                                choice.norms.data(), tokens, scratch.data(), scratch.size(),
                                rows.view());
    rows.trim();
    token_rows.resize(rows.tokens.size());
    routing::build_token_rows(rows.offsets.data(), rows.tokens.data(), config.num_experts, tokens,
                              token_offsets.data(), token_rows.data());
    d_scores = seeded(std::ssize(token_rows), seed + 1);
  }

  std::vector<float> d_logits_on_cpu() const {
    std::vector<float> d_logits(logits.size());
    routing::gate_backward(config,
                           {logits.data(), choice.experts.data(), choice.scores.data(),
                            choice.norms.data(), rows.offsets.data(), token_offsets.data(),
                            token_rows.data(), rows.scores.data(), d_scores.data()},
                           tokens, d_logits.data());
    return d_logits;
  }

  template <class Element>
  std::vector<Element> d_logits_on_device() const {
    const DeviceArray<float> all_logits(logits), chosen_scores(choice.scores),
        norms(flat(choice.norms)), row_scores(rows.scores), d_score(d_scores);
    const DeviceArray<std::int32_t> chosen(choice.experts), expert_offsets(rows.offsets),
        first_rows(token_offsets), rows_of_tokens(token_rows);
    DeviceArray<Element> d_logits(logits.size());
    MOE_CUDA_CHECK(cudaMemset(d_logits.get(), 0xff, logits.size() * sizeof(Element)));
    const bool needs_logits = routing::backward_needs_logits(config.gate);
    const bool needs_norms = routing::backward_needs_norms(config.gate);
    cuda::gate_backward(
        config,
        {needs_logits ? all_logits.get() : nullptr, chosen.get(), chosen_scores.get(),
         needs_norms ? norms.get() : nullptr, expert_offsets.get(), first_rows.get(),
         rows_of_tokens.get(), row_scores.get(), d_score.get(), tokens},
        d_logits.get(), nullptr);
    MOE_CUDA_CHECK(cudaDeviceSynchronize());
    return d_logits.to_host();
  }
};

template <class Element>
std::vector<std::int32_t> bits_of(const std::vector<Element>& values) {
  std::vector<std::int32_t> bits;
  for (Element value : values) bits.push_back(value.bits);
  return bits;
}

class GateBackwardTest : public DeviceRoutingTest {
 protected:
  static void expect_cpu_gradient(const BackwardCase& c) {
    SCOPED_TRACE(describe(c.config, c.tokens));
    const std::vector<float> expected = c.d_logits_on_cpu();
    expect_same(c.d_logits_on_device<float>(), expected, "d_logits");
    expect_rounded<bfloat16>(c, expected);
    expect_rounded<float16>(c, expected);
  }

  template <class Element>
  static void expect_rounded(const BackwardCase& c, const std::vector<float>& expected) {
    const std::vector<Element> rounded(expected.begin(), expected.end());
    expect_same(bits_of(c.d_logits_on_device<Element>()), bits_of(rounded), "rounded d_logits");
  }
};

TEST_F(GateBackwardTest, EqualsTheCpuForEveryGateAndShape) {
  for (const auto [tokens, num_experts, top_k] : routing_shapes()) {
    for (const Gate& gate : all_gates()) {
      expect_cpu_gradient({layer(num_experts, top_k, gate), tokens, 41});
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(GateBackwardTest, EqualsTheCpuForRoundedRows) {
  for (RoundingRule rule : {RoundingRule::nearest, RoundingRule::up, RoundingRule::down}) {
    for (const auto [tokens, num_experts, top_k] :
         {RoutingShape{200, 8, 2}, RoutingShape{500, 40, 3}, RoutingShape{300, 128, 8},
          RoutingShape{64, 512, 4}}) {
      for (const Gate& gate : all_gates()) {
        LayerConfig config = layer(num_experts, top_k, gate);
        config.rounding = {rule, 16};
        expect_cpu_gradient({config, tokens, 51});
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_F(GateBackwardTest, RunsTwiceToTheSameBits) {
  const BackwardCase c({layer(160, 6, all_gates()[3]), 3000, 61});
  expect_same(c.d_logits_on_device<float>(), c.d_logits_on_device<float>(), "d_logits");
}

}  // namespace
}  // namespace moe::tests
