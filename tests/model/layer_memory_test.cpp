// Compositions at the peak: that they add up, and that they agree with closed formulas written down
// here without the plan (docs/measurement.md has the same ones).
#include "model/layer/layer_memory.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "config/presets.h"
#include "model/layer/layer_cost.h"
#include "moe/error.h"
#include "plan/builder.h"
#include "plan/requests.h"

namespace moe::model {
namespace {

/// Kernels that gather by themselves and a library without scratch: the algorithm alone.
constexpr DeviceTraits kBare{.num_cores = 1, .alignment = 1};

std::int64_t token_bytes(const Request& request) {
  return request.max_tokens * request.config.hidden_dim *
         static_cast<std::int64_t>(size_of(request.config.dtype));
}

TEST(Composition, SumsExactlyToStatesAndTensorsAndRegions) {
  for (const plan::Algorithm& algorithm : plan::algorithms()) {
    for (const DeviceTraits& traits : plan::devices()) {
      for (const Request& request : plan::requests()) {
        const LayerSetup setup{.plan = algorithm.plan(request, traits)};
        const LayerStates states = layer_states(setup);
        const std::int64_t fixed = states.experts.total() + states.others.total();
        SCOPED_TRACE(algorithm.name + " " + plan::describe(request));
        const Composition backward = composition(setup, Phase::backward);
        const Composition forward = composition(setup, Phase::forward);
        const auto saved = static_cast<std::int64_t>(setup.plan.saved_bytes);
        const auto workspace = static_cast<std::int64_t>(setup.plan.workspace_bytes);
        const std::int64_t forward_region =
            forward.total() - fixed - saved - 2 * token_bytes(request);
        const std::int64_t backward_region =
            backward.total() - fixed - saved - 3 * token_bytes(request);
        EXPECT_EQ(std::max(forward_region, backward_region), workspace);
        for (const Composition& each : {forward, backward}) {
          std::int64_t sum = 0;
          for (int part = 0; part < kNumParts; ++part) sum += each.of(static_cast<Part>(part));
          EXPECT_EQ(sum, each.total());
          EXPECT_GE(each.of(Part::gaps), 0);
        }
      }
    }
  }
}

TEST(Composition, OfInferenceHasNeitherGradientsNorSavedTensors) {
  for (const plan::Algorithm& algorithm : plan::algorithms()) {
    for (Request request : plan::requests()) {
      request.training = false;
      const LayerSetup setup{.plan = algorithm.plan(request, plan::devices()[0])};
      const Composition all = composition(setup, Phase::inference);
      EXPECT_EQ(all.of(Part::gradients), 0);
      EXPECT_EQ(all.of(Part::optimizer), 0);
      EXPECT_EQ(all.of(Part::saved), 0);
      EXPECT_EQ(all.total(), layer_states(setup).experts.weights +
                                 layer_states(setup).others.weights + 2 * token_bytes(request) +
                                 static_cast<std::int64_t>(setup.plan.saved_bytes) +
                                 static_cast<std::int64_t>(setup.plan.workspace_bytes));
      EXPECT_THROW(composition(setup, Phase::backward), Error);
    }
  }
}

TEST(Composition, WeightsAreThoseOfTheFormula) {
  for (const Request& request : plan::requests()) {
    const LayerSetup setup{.plan = plan::sonic(request, kBare)};
    const Composition all = composition(setup, Phase::forward);
    EXPECT_EQ(all.of(Part::expert_weights) + all.of(Part::other_weights),
              static_cast<std::int64_t>(weight_bytes(request.config)));
  }
}

/// Presets without a shared expert whose experts, not their router, make the peak.
std::vector<Request> wide_shapes() {
  std::vector<Request> all;
  for (const ModelConfig& model : config::presets()) {
    const LayerConfig& c = model.layer;
    if (model.unsupported || c.shared.ffn_dim > 0 || c.hidden_dim < 8 * c.num_experts / c.top_k)
      continue;
    all.push_back(plan::request_for(c, model.tokens()));
  }
  return all;
}

std::int64_t element(const Request& r) {
  return static_cast<std::int64_t>(size_of(r.config.dtype));
}

/// Workspace tensors and the score gradients, which live beside them.
std::int64_t transient(const Composition& all) {
  std::int64_t bytes = all.of(Part::workspace);
  for (const Tensor& tensor : all.tensors) {
    const bool saved_by_router = tensor.name != "d_scores";
    if (tensor.part == Part::routing && !saved_by_router) bytes += tensor.bytes;
  }
  return bytes;
}

TEST(ClosedFormula, SonicForwardPeakIsAAndYInTheDownProjection) {
  const std::vector<Request> shapes = wide_shapes();
  ASSERT_GE(shapes.size(), 10u);
  for (const Request& r : shapes) {
    const Composition all = composition({.plan = plan::sonic(r, kBare)}, Phase::forward);
    EXPECT_EQ(all.step, "down_proj") << plan::describe(r);
    EXPECT_EQ(transient(all), r.max_rows * (r.config.ffn_dim + r.config.hidden_dim) * element(r));
  }
}

TEST(ClosedFormula, SonicBackwardPeakIsTheLargerOfScaledAAndRowsOfDx) {
  for (const Request& r : wide_shapes()) {
    const Composition all = composition({.plan = plan::sonic(r, kBare)}, Phase::backward);
    const std::int64_t width = std::max(r.config.ffn_dim, r.config.hidden_dim);
    EXPECT_EQ(transient(all), r.max_rows * (width * element(r) + 4)) << plan::describe(r);
  }
}

TEST(ClosedFormula, GroupedGemmBackwardPeakIsTheWidestPairOfNeighbours) {
  for (const Request& r : wide_shapes()) {
    const Composition all = composition({.plan = plan::grouped_gemm(r, kBare)}, Phase::backward);
    const std::int64_t d = r.config.hidden_dim, n = r.config.ffn_dim, u = r.config.up_dim();
    const std::int64_t width = std::max({d + n, n + u, u + d});
    EXPECT_EQ(transient(all), r.max_rows * (width * element(r) + 4)) << plan::describe(r);
  }
}

TEST(ClosedFormula, VanillaBackwardPeakIsOneExpertWithAllTokens) {
  for (const Request& r : wide_shapes()) {
    const Composition all = composition({.plan = plan::vanilla(r, kBare)}, Phase::backward);
    const std::int64_t d = r.config.hidden_dim, n = r.config.ffn_dim, u = r.config.up_dim();
    EXPECT_EQ(transient(all),
              std::min(r.max_tokens, r.max_rows) * (2 * d + n + u) * element(r) + 4 * r.max_rows)
        << plan::describe(r);
  }
}

TEST(HeldBytes, AreWhatThePlanSavesWithX) {
  for (const Request& request : plan::requests()) {
    LayerSetup setup{.plan = plan::grouped_gemm(request, plan::devices()[0])};
    EXPECT_EQ(held_bytes(setup),
              static_cast<std::int64_t>(plan::saved_for_backward_bytes(setup.plan)));
    const std::int64_t all = held_bytes(setup);
    setup.held = Held::input;
    const std::int64_t input = held_bytes(setup);
    setup.held = Held::nothing;
    EXPECT_EQ(held_bytes(setup) + token_bytes(request), input);
    EXPECT_LT(input, all);
  }
}

TEST(LayerStates, ExpertParallelismDividesExpertsAlone) {
  const Request request = plan::requests().front();
  LayerSetup setup{.plan = plan::sonic(request, kBare)};
  const LayerStates one = layer_states(setup);
  setup.expert_ranks = 4;
  const LayerStates four = layer_states(setup);
  EXPECT_EQ(four.experts.weights * 4, one.experts.weights);
  EXPECT_EQ(four.others.weights, one.others.weights);
  setup.expert_ranks = 5;  // 12 experts: three on the fullest rank
  EXPECT_EQ(layer_states(setup).experts.weights * 4, one.experts.weights);
}

TEST(RoutingBuffers, AreTheRoutersOfEveryPlan) {
  for (const plan::Algorithm& algorithm : plan::algorithms()) {
    for (Request request : plan::requests()) {
      const Plan plan = algorithm.plan(request, plan::devices()[1]);
      for (const Buffer& buffer : plan.buffers) {
        const bool integers = buffer.dtype == DType::i32 || buffer.dtype == DType::i64;
        const bool per_expert =
            !buffer.shape.empty() && buffer.shape.back() == request.config.num_experts;
        if (buffer.name == "gemm_scratch") continue;
        EXPECT_TRUE(is_routing_buffer(buffer.name) || !(integers || per_expert)) << buffer.name;
      }
    }
  }
}

}  // namespace
}  // namespace moe::model
