// The CUDA variants against the truth: every gate, awkward routings, shared experts, in bfloat16.
// On GPUs other than Hopper the loop over cuBLAS alone.
#include <map>

#include "cuda_layers.h"
#include "measure/problem/ep_share.h"
#include "measure/problem/given_routing.h"

namespace moe::cuda_layers {
namespace {

TEST_P(CudaLayerTest, AgreesWithTruthOnEveryGate) {
  for (const tests::NamedGate& gate : tests::gates_for(GetParam().config)) {
    Case test = GetParam();
    test.config.gate = gate.gate;
    SCOPED_TRACE(gate.name);
    for (const char* variant : all_variants()) expect_true(variant, test);
  }
}

TEST_P(CudaLayerTest, AgreesWithTruthOnEveryGateInFloat16) {
  for (const tests::NamedGate& gate : tests::gates_for(GetParam().config)) {
    Case test = tests::in(DType::f16, GetParam());
    test.config.gate = gate.gate;
    SCOPED_TRACE(gate.name);
    for (const char* variant : all_variants()) expect_true(variant, test);
  }
}

TEST_P(CudaLayerTest, EveryActivationAgreesWithTruthInFloat16) {
  Case test = tests::in(DType::f16, GetParam());
  if (test.tokens < 33) GTEST_SKIP() << "one row of float16 is too few for a norm";
  test.config.shared = {.ffn_dim = 40};
  for (const Activation activation : kActivations) {
    test.config.activation = activation;
    for (const char* variant : all_variants()) expect_true(variant, test);
  }
}

/// Biases, gated shared experts, weights in turns, rounded routing, inference.
TEST_P(CudaLayerTest, EverythingElseAgreesWithTruthInFloat16) {
  Case test = tests::in(DType::f16, GetParam());
  if (test.tokens < 33) GTEST_SKIP() << "one row of float16 is too few for a norm";
  for (const char* variant : all_variants()) {
    expect_true(variant, with_everything(test));
    expect_true(variant, test, false);
    Case rounded = test;
    rounded.config.rounding = {RoundingRule::nearest, 8};
    expect_true(variant, rounded);
    Case boxed = test;
    boxed.config.up_layout = UpLayout::interleaved;
    boxed.config.hidden_dim = (test.config.hidden_dim + 63) / 64 * 64;
    boxed.config.ffn_dim = (test.config.ffn_dim + 63) / 64 * 64;
    expect_true(variant, boxed);
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

TEST_P(CudaLayerTest, EverythingAtOnceAgreesWithTruth) {
  if (GetParam().tokens < 33)
    GTEST_SKIP() << "one row of bfloat16 is too few for a norm within 1e-2";
  for (const char* variant : all_variants()) expect_true(variant, with_everything(GetParam()));
}

TEST_P(CudaLayerTest, InferenceAgreesWithTruth) {
  for (const char* variant : all_variants()) expect_true(variant, GetParam(), false);
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

/// Errors of what rounding in the layer's type decides: everything else is summed in float32.
std::map<std::string, double> rounding_errors(const truth::Problem& problem,
                                              const measure::HostResult& result) {
  std::map<std::string, double> errors;
  for (const record::Check& check : measure::verify(problem, result, check_everything())) {
    for (const char* what : {"out", "d_x", "d_scores", "d_w_up", "d_w_down"})
      if (check.what == what) errors[what] = check.error;
  }
  return errors;
}

/// The CPU's variants round at the same places, by other libraries and in another order. (bfloat16
/// only where the CPU has it.)
void expect_as_near_as_the_cpu(const char* variant, const Case& test) {
  SCOPED_TRACE(test.name + " " + variant);
  tests::Bench cpu(variant, test);
  tests::amplify(tests::cpu(), cpu.problem, test.config);
  Bench gpu(variant, test);
  tests::amplify(*first_gpu(), gpu.problem, test.config);
  const auto want = rounding_errors(cpu.problem.host(test.config), cpu.trial.run_for_check());
  const auto got = rounding_errors(gpu.problem.host(test.config), gpu.trial.run_for_check());
  ASSERT_EQ(got.size(), 5u);
  ASSERT_EQ(want.size(), 5u);
  for (const auto& [what, error] : got) EXPECT_LE(error, 1.2 * want.at(what)) << what;
}

TEST_P(CudaLayerTest, IsAsNearTheTruthAsRoundingAllows) {
  if (hopper_variants().empty()) GTEST_SKIP() << tests::no_hopper_reason();
  if (GetParam().tokens < 33) GTEST_SKIP() << "too few tokens for a norm";
  for (const char* variant : hopper_variants()) {
    if (tests::cpu().traits().has_bf16) expect_as_near_as_the_cpu(variant, GetParam());
    expect_as_near_as_the_cpu(variant, tests::in(DType::f16, GetParam()));
  }
}

/// Long reductions over few tiles, which clusters share: in routed experts and in the shared one.
void expect_streamed_tiles_right(DType dtype) {
  if (hopper_variants().empty()) GTEST_SKIP() << tests::no_hopper_reason();
  Case test{"streamed",
            tests::layer(264, 2048, 4, 2),
            150,
            {.kind = routing::TrafficKind::zipf, .exponent = 0.8}};
  test.config.dtype = dtype;
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

TEST(StreamedTiles, AgreeWithTruthAndRepeatTheirBitsInAGraph) {
  expect_streamed_tiles_right(DType::bf16);
}
TEST(StreamedTiles, AgreeWithTruthAndRepeatTheirBitsInAGraphInFloat16) {
  expect_streamed_tiles_right(DType::f16);
}

/// A model too wide for rules of narrower ones.
TEST(WideModel, AgreesWithTruth) {
  if (hopper_variants().empty()) GTEST_SKIP() << tests::no_hopper_reason();
  Case test{"wide", tests::layer(6208, 1024, 2, 2), 70, {}};
  test.config.dtype = DType::bf16;
  for (const char* variant : hopper_variants()) expect_true(variant, test);
}

INSTANTIATE_TEST_SUITE_P(Cuda, CudaLayerTest, ::testing::ValuesIn(gpu_cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace moe::cuda_layers
