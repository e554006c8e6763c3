// The CUDA variants against the truth: every gate, awkward routings, shared experts, in bfloat16.
// On GPUs other than Hopper the loop over cuBLAS alone.
#include <gtest/gtest.h>

#include <algorithm>

#include "gpu.h"
#include "measure/problem/ep_share.h"
#include "measure/problem/given_routing.h"
#include "measure/problem/memory_need.h"
#include "measure/problem/problem.h"
#include "measure/run/trial.h"
#include "measure/verify/verify.h"
#include "moe/moe.h"
#include "support/cases.h"

namespace moe {
namespace {

using tests::Case;

using tests::first_gpu;

std::vector<const char*> hopper_variants() {
  if (!tests::no_hopper_reason().empty()) return {};
  return {"grouped_gemm", "sonic"};
}

/// vanilla, and on Hopper the others.
std::vector<const char*> all_variants() {
  std::vector<const char*> all = hopper_variants();
  all.insert(all.begin(), "vanilla");
  return all;
}

measure::VerifyOptions check_everything() {
  constexpr std::int64_t kAll = 1 << 20;
  return {.sampled_tokens = kAll, .sampled_experts = kAll, .sampled_channels = kAll};
}

struct Bench {
  measure::VariantChoice choice;
  Plan plan;
  measure::Problem problem;
  measure::Workbench workbench;
  measure::Trial trial;

  Bench(const std::string& variant, const Case& test, const Request& request)
      : choice(measure::parse_variant(DeviceKind::cuda, variant)),
        plan(choice.variant->plan(request, first_gpu()->traits())),
        problem(*first_gpu(), test.config, test.tokens, test.traffic, 7),
        workbench(*first_gpu(), test.config, test.tokens, request.max_rows, request.training,
                  plan.saved_bytes + plan.workspace_bytes + 4096),
        trial(*first_gpu(), choice, plan, problem, workbench) {}
  Bench(const std::string& variant, const Case& test)
      : Bench(variant, test, measure::make_request(test.config, test.tokens, true)) {}
};

/// Brings the gradients of all experts to the host.
std::vector<truth::ExpertScope> all_experts(const measure::HostResult& result,
                                            const LayerConfig& config) {
  std::vector<truth::ExpertScope> experts;
  for (std::int64_t e = 0; e < config.num_experts; ++e) experts.emplace_back(result.experts, e);
  return experts;
}

void expect_true(const std::string& variant, const Case& test, bool training = true) {
  SCOPED_TRACE(test.name + " " + variant + (training ? "" : ", inference"));
  Bench bench(variant, test, measure::make_request(test.config, test.tokens, training));
  measure::VerifyOptions options = check_everything();
  options.backward = training;
  const auto reason = bench.choice.variant->unsupported(bench.plan.request, first_gpu()->traits());
  ASSERT_FALSE(reason.has_value()) << *reason;
  const measure::HostResult result = bench.trial.run_for_check();
  for (const record::Check& check :
       measure::verify(bench.problem.host(test.config), result, options)) {
    EXPECT_TRUE(check.passed) << check.what << ": error " << check.error << " at " << check.where;
  }
}

/// The awkward shapes with rows of 16 bytes, and one with several tiles per expert.
std::vector<Case> gpu_cases() {
  std::vector<Case> cases = tests::awkward_cases();
  for (Case& test : cases) {
    test.config.hidden_dim = (test.config.hidden_dim + 7) / 8 * 8;
    test.config.ffn_dim = (test.config.ffn_dim + 7) / 8 * 8;
    test.config.dtype = DType::bf16;
  }
  Case large{"several_tiles",
             tests::layer(200, 328, 8, 2),
             1500,
             {.kind = routing::TrafficKind::zipf, .exponent = 0.8}};
  large.config.dtype = DType::bf16;
  cases.push_back(large);
  return cases;
}

class CudaLayerTest : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!tests::no_gpu_reason().empty()) GTEST_SKIP() << tests::no_gpu_reason();
  }
};

TEST_P(CudaLayerTest, AgreesWithTruthOnEveryGate) {
  for (const tests::NamedGate& gate : tests::gates_for(GetParam().config)) {
    Case test = GetParam();
    test.config.gate = gate.gate;
    SCOPED_TRACE(gate.name);
    for (const char* variant : all_variants()) expect_true(variant, test);
  }
}

TEST_P(CudaLayerTest, SharedExpertAgreesWithTruth) {
  Case test = GetParam();
  for (const bool gated : {false, true}) {
    test.config.shared = {.ffn_dim = 40, .gated = gated};
    SCOPED_TRACE(gated ? "gated" : "plain");
    for (const Activation activation : {Activation::swiglu, Activation::geglu, Activation::relu2}) {
      // One row of bfloat16 near a zero of the derivative is too few for a norm within 1e-2.
      if (test.tokens < 33 && activation != Activation::swiglu) continue;
      test.config.activation = activation;
      for (const char* variant : all_variants()) expect_true(variant, test);
    }
  }
}

TEST_P(CudaLayerTest, EveryActivationAgreesWithTruth) {
  Case test = GetParam();
  if (test.tokens < 33) GTEST_SKIP() << "one row of bfloat16 is too few for a norm within 1e-2";
  for (const Activation activation : kActivations) {
    test.config.activation = activation;
    for (const char* variant : all_variants()) expect_true(variant, test);
  }
}

TEST_P(CudaLayerTest, BiasesAgreeWithTruth) {
  Case test = GetParam();
  if (test.tokens < 33) GTEST_SKIP() << "one row of bfloat16 is too few for a norm within 1e-2";
  test.config.expert_bias = true;
  test.config.gate.logit_bias = true;
  for (const Activation activation :
       {Activation::swiglu, Activation::clamped_swiglu, Activation::silu}) {
    test.config.activation = activation;
    for (const char* variant : all_variants()) expect_true(variant, test);
  }
  test.config.gate = {.kind = GateKind::softmax_topk, .renormalize = false, .logit_bias = true};
  for (const char* variant : all_variants()) expect_true(variant, test);
}

TEST_P(CudaLayerTest, InterleavedWeightsAgreeWithTruth) {
  Case test = GetParam();
  if (test.tokens < 33) GTEST_SKIP() << "one row of bfloat16 is too few for a norm within 1e-2";
  test.config.up_layout = UpLayout::interleaved;
  test.config.gate.logit_bias = true;
  for (const Activation activation : {Activation::swiglu, Activation::clamped_swiglu}) {
    test.config.activation = activation;
    test.config.expert_bias = activation == Activation::clamped_swiglu;
    for (const char* variant : {"vanilla", "grouped_gemm"}) expect_true(variant, test);
    Case boxed = test;  // of whole boxes, which sonic wants
    boxed.config.hidden_dim = (test.config.hidden_dim + 63) / 64 * 64;
    boxed.config.ffn_dim = (test.config.ffn_dim + 63) / 64 * 64;
    boxed.config.shared = {.ffn_dim = 40};  // not interleaved
    expect_true("sonic", boxed);
    expect_true("sonic", boxed, false);
  }
}

/// A build without a GPU knows what its kernels cannot take.
TEST(InterleavedWeights, AreTakenBySonicInWholeBoxes) {
  const DeviceTraits traits{.kind = DeviceKind::cuda, .compute_capability = 90};
  LayerConfig config = tests::layer(64, 96, 8, 2);
  config.dtype = DType::bf16;
  config.up_layout = UpLayout::interleaved;
  const auto reason = [&](const char* variant) {
    return measure::parse_variant(DeviceKind::cuda, variant)
        .variant->unsupported(measure::make_request(config, 64, true), traits)
        .value_or("");
  };
  EXPECT_EQ(reason("grouped_gemm"), "");
  EXPECT_EQ(reason("sonic"),
            "with --up-layout interleaved, --hidden-dim and --ffn-dim must be multiples of 64");
  config.ffn_dim = 128;
  EXPECT_EQ(reason("sonic"), "");
}

/// Biases and a gated shared expert, with the activation of nobody's instance.
Case with_everything(Case test) {
  test.config.activation = Activation::geglu;
  test.config.expert_bias = test.config.gate.logit_bias = true;
  test.config.shared = {.ffn_dim = 328, .gated = true};
  return test;
}

TEST_P(CudaLayerTest, EverythingAtOnceAgreesWithTruth) {
  if (GetParam().tokens < 33)
    GTEST_SKIP() << "one row of bfloat16 is too few for a norm within 1e-2";
  for (const char* variant : all_variants()) expect_true(variant, with_everything(GetParam()));
}

TEST_P(CudaLayerTest, EqualInputsGiveEqualBits) {
  for (const char* variant : all_variants()) {
    Bench bench(variant, with_everything(GetParam()));
    const auto bits = [&] {
      const measure::HostResult r = bench.trial.run_for_check();
      const auto experts = all_experts(r, GetParam().config);
      std::vector<std::byte> all;
      for (const TensorView& view : {r.out, r.d_x, r.gradients.w_up, r.gradients.w_down,
                                     r.gradients.w_router, r.gradients.b_up, r.gradients.b_down,
                                     r.gradients.b_router, r.gradients.w_shared_gate}) {
        all.insert(all.end(), view.as<std::byte>(), view.as<std::byte>() + view.bytes());
      }
      return all;
    };
    EXPECT_EQ(bits(), bits()) << variant;
  }
}

TEST_P(CudaLayerTest, InferenceAgreesWithTruth) {
  for (const char* variant : all_variants()) expect_true(variant, GetParam(), false);
}

/// Every rule, on tiles small enough for the shape to keep some rows; the large shape on those of
/// GEMMs.
std::vector<Rounding> roundings_for(const Case& test) {
  std::vector<Rounding> all = tests::roundings();
  for (const Rounding& rounding : tests::seeded_roundings()) all.push_back(rounding);
  std::erase_if(all, [](const Rounding& r) { return r.rule == RoundingRule::none; });
  if (test.name == "several_tiles") {
    for (std::int64_t tile : {64, 128, 256}) all.push_back({RoundingRule::nearest, tile});
  }
  return all;
}

TEST_P(CudaLayerTest, RoundedRoutingAgreesWithTruth) {
  for (const Rounding& rounding : roundings_for(GetParam())) {
    Case test = GetParam();
    test.config.rounding = rounding;
    SCOPED_TRACE(std::string(name_of(rounding.rule)) + " " + std::to_string(rounding.tile));
    for (const char* variant : all_variants()) expect_true(variant, test);
  }
}

/// Gates whose backward pass reads norms or logits again.
TEST_P(CudaLayerTest, RoundedRoutingAgreesWithTruthOnEveryGate) {
  if (hopper_variants().empty()) GTEST_SKIP() << tests::no_hopper_reason();
  for (const tests::NamedGate& gate : tests::gates_for(GetParam().config)) {
    Case test = GetParam();
    test.config.gate = gate.gate;
    test.config.rounding = {RoundingRule::nearest, 8};
    SCOPED_TRACE(gate.name);
    for (const char* variant : hopper_variants()) {
      expect_true(variant, test);
      expect_true(variant, test, false);
    }
  }
}

TEST_P(CudaLayerTest, RoundedRoutingRepeatsItsBitsInAGraph) {
  if (hopper_variants().empty()) GTEST_SKIP() << tests::no_hopper_reason();
  for (const Rounding& rounding : roundings_for(GetParam())) {
    Case test = GetParam();
    test.config.rounding = rounding;
    SCOPED_TRACE(name_of(rounding.rule));
    for (const char* variant : hopper_variants()) {
      Bench bench(variant, test);
      bench.trial.run_for_check();
      EXPECT_EQ(bench.trial.capture_graphs(), "") << variant;  // compares the replay's bits
      EXPECT_GT(bench.trial.run().graph_backward, 0) << variant;
    }
  }
}

/// One rank of expert parallelism: the routing is given and ragged.
TEST_P(CudaLayerTest, AGivenRoutingAgreesWithTruth) {
  const Case& test = GetParam();
  if (test.config.num_experts % 2 != 0) GTEST_SKIP() << "experts that do not halve";
  const auto of_rank = [&](std::int64_t rank) {
    return measure::ep_share(test.config, test.tokens, test.traffic, 7, rank, 2);
  };
  measure::EpShare share;
  try {
    share = of_rank(1);
  } catch (const Error&) {  // nothing goes there
    share = of_rank(2);
  }
  for (const char* variant : all_variants()) {
    SCOPED_TRACE(test.name + " " + variant);
    const Request request =
        measure::make_request(share.layer, share.tokens, true, share.rows.max_rows);
    const auto choice = measure::parse_variant(DeviceKind::cuda, variant);
    const Plan plan = choice.variant->plan(request, first_gpu()->traits());
    const measure::Problem problem(*first_gpu(), share.layer, share.tokens, {}, 7);
    const measure::GivenRouting given(*first_gpu(), share.rows);
    measure::Workbench workbench(*first_gpu(), share.layer, share.tokens, share.rows.max_rows, true,
                                 plan.saved_bytes + plan.workspace_bytes);
    measure::Trial trial(*first_gpu(), choice, plan, problem, workbench, &given);
    measure::VerifyOptions options = check_everything();
    options.given = &given.on_host();
    const measure::HostResult result = trial.run_for_check();
    for (const record::Check& check : measure::verify(problem.host(share.layer), result, options)) {
      EXPECT_TRUE(check.passed) << check.what << ": " << check.error << " at " << check.where;
    }
  }
}

TEST_P(CudaLayerTest, AReplayedGraphGivesTheSameBits) {
  for (const char* variant : all_variants()) {
    Bench bench(variant, with_everything(GetParam()));
    bench.trial.run_for_check();
    const std::string reason = bench.trial.capture_graphs();
    EXPECT_EQ(reason.empty(), bench.plan.capturable) << variant << ": " << reason;
    EXPECT_EQ(bench.trial.run().graph_backward > 0, bench.plan.capturable) << variant;
  }
}

/// Long reductions over few tiles, which clusters share: in routed experts and in the shared one.
TEST(StreamedTiles, AgreeWithTruthAndRepeatTheirBitsInAGraph) {
  if (hopper_variants().empty()) GTEST_SKIP() << tests::no_hopper_reason();
  Case test{"streamed",
            tests::layer(264, 2048, 4, 2),
            150,
            {.kind = routing::TrafficKind::zipf, .exponent = 0.8}};
  test.config.dtype = DType::bf16;
  test.config.expert_bias = true;
  test.config.shared = {.ffn_dim = 2048, .gated = true};
  for (const char* variant : hopper_variants()) {
    expect_true(variant, test);
    Case one_token = test;
    one_token.tokens = 1;
    expect_true(variant, one_token, false);
    Bench bench(variant, test);
    EXPECT_TRUE(std::any_of(bench.plan.buffers.begin(), bench.plan.buffers.end(),
                            [](const Buffer& b) { return b.name == "stream_scratch"; }));
    bench.trial.run_for_check();
    EXPECT_EQ(bench.trial.capture_graphs(), "") << variant;  // compares the replay's bits
  }
}

TEST_P(CudaLayerTest, AddsToGradientsWhenAsked) {
  for (const char* variant : all_variants()) {
    Case test = GetParam();
    test = with_everything(test);
    Bench bench(variant, test);
    const measure::HostResult once = bench.trial.run_for_check();
    const auto experts = all_experts(once, test.config);
    const auto wanted = [](const Gradients& g) {
      return std::vector<TensorView>{g.w_up, g.b_up, g.b_down, g.b_router, g.w_shared_gate};
    };
    std::vector<std::vector<bfloat16>> before;
    for (const TensorView& view : wanted(once.gradients))
      before.emplace_back(view.as<bfloat16>(), view.as<bfloat16>() + view.size());
    const auto layer = bench.choice.variant->make_layer(bench.plan, first_gpu()->id());
    const Call call = bench.workbench.call(*first_gpu(), bench.plan);
    const Inputs inputs{bench.problem.x(), bench.problem.logit_offsets(), nullptr};
    InputGradients gradients = bench.workbench.gradients(false);
    gradients.accumulate = Accumulate::add;
    layer->forward(call, bench.problem.weights(), inputs, bench.workbench.outputs(false));
    layer->backward(call, bench.problem.weights(), inputs, bench.problem.d_out(), gradients);
    first_gpu()->synchronize();
    const std::vector<TensorView> on_device = wanted(gradients.weights);
    for (std::size_t which = 0; which < before.size(); ++which) {
      std::vector<bfloat16> after(before[which].size());
      first_gpu()->copy_to_host(after.data(), on_device[which].data,
                                after.size() * sizeof(bfloat16));
      for (std::size_t i = 0; i < after.size(); ++i) {
        ASSERT_EQ(static_cast<float>(after[i]), 2 * static_cast<float>(before[which][i]))
            << variant << ", gradient " << which << " at " << i;
      }
    }
  }
}

TEST_P(CudaLayerTest, KeepSavedLeavesWhatForwardKept) {
  const Case test = with_everything(GetParam());
  Request request = measure::make_request(test.config, test.tokens, true);
  request.keep_saved = true;
  for (const char* variant : all_variants()) {
    SCOPED_TRACE(variant);
    Bench bench(variant, test, request);
    const auto layer = bench.choice.variant->make_layer(bench.plan, first_gpu()->id());
    const Call call = bench.workbench.call(*first_gpu(), bench.plan);
    const Inputs inputs{bench.problem.x(), bench.problem.logit_offsets(), nullptr};
    const auto saved = [&] {
      std::vector<std::byte> bytes(call.saved.bytes);
      first_gpu()->copy_to_host(bytes.data(), call.saved.data, bytes.size());
      return bytes;
    };
    bench.workbench.poison(*first_gpu());
    layer->forward(call, bench.problem.weights(), inputs, bench.workbench.outputs(false));
    const std::vector<std::byte> before = saved();
    layer->backward(call, bench.problem.weights(), inputs, bench.problem.d_out(),
                    bench.workbench.gradients(false));
    EXPECT_EQ(before, saved());
  }
}

INSTANTIATE_TEST_SUITE_P(Cuda, CudaLayerTest, ::testing::ValuesIn(gpu_cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace moe
