// What each algorithm keeps for the backward pass, counted against closed formulas.
#include <gtest/gtest.h>

#include <set>

#include "config/presets.h"
#include "plan/builder.h"
#include "plan/requests.h"

namespace moe::plan {
namespace {

std::size_t saved_contents(const Plan& plan) {
  std::size_t bytes = 0;
  for (const Buffer& buffer : plan.buffers)
    bytes += buffer.region == Region::saved ? buffer.bytes : 0;
  return bytes;
}

/// Rows by the definition: T*K, or what rounding up may make of it.
std::int64_t rows_of(const LayerConfig& c, std::int64_t tokens) {
  if (c.rounding.rule == RoundingRule::none || c.rounding.rule == RoundingRule::down)
    return tokens * c.top_k;
  if (c.rounding.rule == RoundingRule::balance)
    return std::min(tokens * c.top_k + (c.rounding.tile - 1) / 2, tokens * c.num_experts);
  return std::min(tokens * c.top_k + c.num_experts * (c.rounding.tile - 1), tokens * c.num_experts);
}

/// Offsets of experts and tokens, tokens, scores and inverse of rows, the choice and its scores;
/// the norms of gates whose gradient needs their denominator.
std::size_t metadata_bytes(const Request& request) {
  const LayerConfig& c = request.config;
  const std::int64_t tokens = request.max_tokens, rows = rows_of(c, tokens);
  const bool sums_over_all = c.gate.kind == GateKind::softmax_topk && !c.gate.renormalize;
  const bool divides_sigmoids = c.gate.kind == GateKind::sigmoid && c.gate.renormalize;
  const bool needs_norms = request.training && (sums_over_all || divides_sigmoids);
  return 4 * (c.num_experts + 1) + 12 * rows + 4 * (tokens + 1) + 8 * tokens * c.top_k +
         (needs_norms ? 8 * tokens : 0);
}

/// Pre-activation of the shared expert, and the logit of its gate.
std::size_t shared_bytes(const Request& request) {
  const LayerConfig& c = request.config;
  const std::size_t up = (is_gated(c.activation) ? 2 : 1) * c.shared.ffn_dim;
  return request.max_tokens * (up * size_of(c.dtype) + (c.shared.gated ? 4 : 0));
}

TEST(SavedBytes, VanillaAndGroupedGemmKeepGatheredXAndHAndAAndY) {
  for (const Request& request : requests()) {
    const LayerConfig& c = request.config;
    const std::size_t up = is_gated(c.activation) ? 2 * c.ffn_dim : c.ffn_dim;
    const std::size_t per_row = (c.hidden_dim + up + c.ffn_dim + c.hidden_dim) * size_of(c.dtype);
    const std::size_t expected =
        rows_of(c, request.max_tokens) * per_row + metadata_bytes(request) + shared_bytes(request);
    SCOPED_TRACE(describe(request));
    for (const DeviceTraits& traits : devices()) {
      EXPECT_EQ(saved_contents(vanilla(request, traits)), expected);
      EXPECT_EQ(saved_contents(grouped_gemm(request, traits)), expected);
    }
  }
}

TEST(SavedBytes, SonicKeepsHAlone) {
  for (const Request& request : requests()) {
    const LayerConfig& c = request.config;
    const std::size_t up = is_gated(c.activation) ? 2 * c.ffn_dim : c.ffn_dim;
    const std::size_t expected = rows_of(c, request.max_tokens) * up * size_of(c.dtype) +
                                 metadata_bytes(request) + shared_bytes(request);
    SCOPED_TRACE(describe(request));
    for (const DeviceTraits& traits : devices())
      EXPECT_EQ(saved_contents(sonic(request, traits)), expected);
  }
}

TEST(SavedBytes, OfASharedExpertAreThoseOfItsHInEveryScheme) {
  for (const Request& request : requests()) {
    SCOPED_TRACE(describe(request));
    const std::size_t expected = saved_contents(vanilla(request, devices()[0]));
    for (const SharedScheme scheme : {SharedScheme::stepwise, SharedScheme::routed}) {
      const KernelScratch scratch{.d_score_columns = 256, .shared = scheme};
      EXPECT_EQ(saved_contents(vanilla(request, devices()[0], scratch)), expected);
    }
  }
}

std::size_t shared_workspace_contents(const Plan& plan) {
  std::size_t bytes = 0;
  for (const Buffer& buffer : plan.buffers) {
    if (buffer.region == Region::workspace && buffer.name.starts_with("shared_"))
      bytes += buffer.bytes;
  }
  return bytes;
}

/// A in both passes and dA, and of a gate d_gate in float32 and the logits' gradient; a dH where H
/// is kept. In inference H and A, and the gate.
TEST(SharedExpert, StepwiseNeedsAAndItsGradientInTheLayersType) {
  const KernelScratch scratch{.shared = SharedScheme::stepwise};
  for (Request request : requests()) {
    SCOPED_TRACE(describe(request));
    const LayerConfig& c = request.config;
    if (c.shared.ffn_dim == 0) continue;
    const std::size_t tokens = request.max_tokens, size = size_of(c.dtype);
    const std::size_t a = tokens * c.shared.ffn_dim * size, h = tokens * c.shared_up_dim() * size;
    const std::size_t gate = c.shared.gated ? 4 * tokens : 0;
    const std::size_t gate_logits = c.shared.gated ? size * tokens : 0;
    const auto needed = [&] {
      return shared_workspace_contents(vanilla(request, devices()[0], scratch));
    };
    EXPECT_EQ(needed(), 3 * a + gate + gate_logits);
    request.keep_saved = true;
    EXPECT_EQ(needed(), 3 * a + gate + gate_logits + h);
    request.training = false;
    EXPECT_EQ(needed(), a + h + gate);
  }
}

TEST(SavedBytes, ExpertBiasesNeedNoMemoryOfALayer) {
  for (const Algorithm& algorithm : algorithms()) {
    for (Request request : requests()) {
      const Plan without = algorithm.plan(request, devices()[1]);
      request.config.expert_bias = true;
      const Plan with = algorithm.plan(request, devices()[1]);
      SCOPED_TRACE(algorithm.name + " " + describe(request));
      EXPECT_EQ(with.saved_bytes, without.saved_bytes);
      EXPECT_EQ(with.workspace_bytes, without.workspace_bytes);
    }
  }
}

TEST(SavedBytes, RegionIsItsContentsAndPadding) {
  for (const Algorithm& algorithm : algorithms()) {
    for (const Request& request : requests()) {
      const DeviceTraits traits = devices()[0];
      const Plan plan = algorithm.plan(request, traits);
      EXPECT_GE(plan.saved_bytes, saved_contents(plan));
      EXPECT_LT(plan.saved_bytes, saved_contents(plan) + plan.buffers.size() * traits.alignment);
    }
  }
}

TEST(SavedBytes, ForBackwardCountsTheCallersX) {
  for (const Algorithm& algorithm : algorithms()) {
    for (const Request& request : requests()) {
      const Plan plan = algorithm.plan(request, devices()[0]);
      const std::size_t x =
          request.max_tokens * request.config.hidden_dim * size_of(request.config.dtype);
      EXPECT_EQ(saved_for_backward_bytes(plan), saved_contents(plan) + x);
    }
  }
}

// Issue 7: exactly 2 T d + 4 T K n bytes in bfloat16, and at most 24 per routed row.
TEST(SavedBytes, OfSonicAtThePapersShapes) {
  int shapes = 0;
  for (const ModelConfig& model : config::presets()) {
    if (!model.name.starts_with("sonic-")) continue;
    ++shapes;
    const LayerConfig& c = model.layer;
    const std::int64_t tokens = model.tokens(), rows = tokens * c.top_k;
    ASSERT_EQ(c.dtype, DType::bf16);
    ASSERT_GE(c.top_k, 2);
    const Plan plan = sonic(request_for(c, tokens), devices()[0]);
    const std::int64_t tensors = 2 * tokens * c.hidden_dim + 4 * rows * c.ffn_dim;
    const auto metadata = static_cast<std::int64_t>(saved_for_backward_bytes(plan)) - tensors;
    EXPECT_GT(metadata, 0) << model.name;
    EXPECT_LE(metadata, 24 * rows) << model.name;
  }
  EXPECT_EQ(shapes, 12);
}

TEST(SavedBytes, InferenceKeepsTheRoutingAlone) {
  for (const Algorithm& algorithm : algorithms()) {
    for (Request request : requests()) {
      request.training = false;
      SCOPED_TRACE(algorithm.name + " " + describe(request));
      const Plan plan = algorithm.plan(request, devices()[1]);
      EXPECT_EQ(saved_contents(plan), metadata_bytes(request));
      EXPECT_TRUE(plan.backward.empty());
    }
  }
}

std::set<std::string> buffer_names(const Plan& plan) {
  std::set<std::string> names;
  for (const Buffer& buffer : plan.buffers) names.insert(buffer.name);
  return names;
}

TEST(KeepSaved, GivesSonicADHOfItsOwn) {
  Request request = requests().front();
  const Plan in_place = sonic(request, devices()[0]);
  EXPECT_EQ(find_buffer(in_place, "d_h"), nullptr);
  request.keep_saved = true;
  const Plan kept = sonic(request, devices()[0]);
  const Buffer* d_h = find_buffer(kept, "d_h");
  ASSERT_NE(d_h, nullptr);
  EXPECT_EQ(d_h->region, Region::workspace);
  EXPECT_EQ(d_h->bytes, find_buffer(kept, "h")->bytes);
  EXPECT_EQ(kept.saved_bytes, in_place.saved_bytes);
  EXPECT_GT(kept.workspace_bytes, in_place.workspace_bytes);
}

TEST(KeepSaved, GivesTheSharedExpertADHOfItsOwn) {
  Request request = requests().front();
  request.config.shared.ffn_dim = 40;
  for (const Algorithm& algorithm : algorithms()) {
    request.keep_saved = false;
    const Plan in_place = algorithm.plan(request, devices()[0]);
    EXPECT_FALSE(buffer_names(in_place).contains("shared_d_h")) << algorithm.name;
    request.keep_saved = true;
    const Plan kept = algorithm.plan(request, devices()[0]);
    EXPECT_TRUE(buffer_names(kept).contains("shared_d_h")) << algorithm.name;
  }
}

}  // namespace
}  // namespace moe::plan
