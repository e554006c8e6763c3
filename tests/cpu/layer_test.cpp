// Every CPU variant against the truth, on every gate, activation, rounding rule and awkward shape.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "support/amplify.h"
#include "support/bench.h"
#include "support/interleave.h"

namespace moe {
namespace {

using tests::Bench;
using tests::Case;
using tests::cpu;

const char* const kVariants[] = {"vanilla", "grouped_gemm", "sonic"};

void expect_true(Bench& bench, const LayerConfig& config) {
  tests::amplify(cpu(), bench.problem, config);
  const measure::HostResult result = bench.trial.run_for_check();
  for (const record::Check& check :
       measure::verify(bench.problem.host(config), result, tests::check_everything())) {
    EXPECT_TRUE(check.passed) << check.what << ": error " << check.error << " at " << check.where;
  }
}

void expect_all_variants_true(const Case& test, const std::string& trace) {
  for (const char* variant : kVariants) {
    SCOPED_TRACE(trace + " " + variant);
    Bench bench(variant, test);
    expect_true(bench, test.config);
  }
}

/// Half of the channels are dead: one row must have enough of them left for a norm to mean
/// anything.
bool kills_channels(Activation activation) {
  return activation == Activation::reglu || activation == Activation::relu2;
}

class EveryShape : public ::testing::TestWithParam<Case> {};

TEST_P(EveryShape, AgreesWithTruth) {
  for (const Activation activation : {Activation::swiglu, Activation::relu2}) {
    for (const tests::NamedGate& gate : tests::gates_for(GetParam().config)) {
      for (const Rounding& rounding : tests::roundings()) {
        Case test = GetParam();
        test.config.activation = activation;
        test.config.gate = gate.gate;
        test.config.rounding = rounding;
        expect_all_variants_true(test, std::string(name_of(activation)) + " " + gate.name + " " +
                                           std::string(name_of(rounding.rule)));
      }
    }
  }
}

/// Every gate in a 16-bit type, with these rounding rules.
void expect_narrow_layers_true(const Case& narrow, const std::vector<Rounding>& roundings) {
  for (const Activation activation : {Activation::swiglu, Activation::relu2}) {
    for (const tests::NamedGate& gate : tests::gates_for(narrow.config)) {
      for (const Rounding& rounding : roundings) {
        Case test = narrow;
        if (kills_channels(activation)) test.config.ffn_dim *= 8;
        test.config.activation = activation;
        test.config.gate = gate.gate;
        test.config.rounding = rounding;
        expect_all_variants_true(test, std::string(name_of(activation)) + " " + gate.name + " " +
                                           std::string(name_of(rounding.rule)));
      }
    }
  }
}

TEST_P(EveryShape, AgreesWithTruthInBfloat16) {
  if (!cpu().traits().has_bf16) GTEST_SKIP() << "no bfloat16 arithmetic on this processor";
  expect_narrow_layers_true(tests::in(DType::bf16, GetParam()), tests::roundings());
}

TEST_P(EveryShape, AgreesWithTruthInFloat16) {
  expect_narrow_layers_true(tests::in(DType::f16, GetParam()),
                            {{}, {.rule = RoundingRule::nearest, .tile = 8}});
}

/// Near 0, where seeded weights lead, and far out, where curves are flat and clamps cut.
TEST_P(EveryShape, EveryActivationAgreesWithTruth) {
  for (const Activation activation : kActivations) {
    for (const float scale : {1.0f, 300.0f}) {
      Case test = GetParam();
      test.config.activation = activation;
      test.config.shared = {.ffn_dim = 20};
      if (kills_channels(activation)) test.config.ffn_dim *= 8;
      for (const char* variant : kVariants) {
        SCOPED_TRACE(std::string(name_of(activation)) + " " + variant);
        Bench bench(variant, test);
        const Weights& w = bench.problem.weights();
        for (const TensorView& up : {w.w_up, w.w_shared_up}) {
          for (std::int64_t i = 0; i < up.size(); ++i) up.as<float>()[i] *= scale;
        }
        expect_true(bench, test.config);
      }
    }
  }
}

TEST_P(EveryShape, SeededRoundingsAgreeWithTruth) {
  for (const tests::NamedGate& gate : tests::gates_for(GetParam().config)) {
    for (const Rounding& rounding : tests::seeded_roundings()) {
      Case test = GetParam();
      test.config.gate = gate.gate;
      test.config.rounding = rounding;
      SCOPED_TRACE(gate.name + " " + std::string(name_of(rounding.rule)));
      Bench bench("sonic", test);  // the routing is every variant's
      expect_true(bench, test.config);
    }
  }
}

TEST_P(EveryShape, ExpertBiasesAgreeWithTruth) {
  for (const Activation activation :
       {Activation::swiglu, Activation::clamped_swiglu, Activation::relu2}) {
    for (Case test : {GetParam(), tests::in(DType::f16, GetParam())}) {
      test.config.activation = activation;
      test.config.expert_bias = true;
      test.config.gate.logit_bias = true;
      if (kills_channels(activation)) test.config.ffn_dim *= 8;
      SCOPED_TRACE(name_of(test.config.dtype));
      expect_all_variants_true(test, std::string(name_of(activation)));
    }
  }
}

TEST_P(EveryShape, InterleavedWeightsAgreeWithTruth) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    if (dtype == DType::bf16 && !cpu().traits().has_bf16) continue;
    for (const Activation activation : {Activation::swiglu, Activation::clamped_swiglu}) {
      Case test = tests::in(dtype, GetParam());
      test.config.activation = activation;
      test.config.up_layout = UpLayout::interleaved;
      test.config.expert_bias = activation == Activation::clamped_swiglu;
      test.config.shared = {.ffn_dim = 20};  // not interleaved
      expect_all_variants_true(test, std::string(name_of(activation)));
    }
  }
}

TEST_P(EveryShape, SharedExpertAgreesWithTruth) {
  for (const bool gated : {false, true}) {
    for (const Activation activation : {Activation::swiglu, Activation::relu2}) {
      for (Case test : {GetParam(), tests::in(DType::f16, GetParam())}) {
        test.config.activation = activation;
        test.config.shared = {.ffn_dim = 20, .gated = gated};
        SCOPED_TRACE(name_of(test.config.dtype));
        expect_all_variants_true(test, gated ? "gated" : "plain");
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, EveryShape, ::testing::ValuesIn(tests::awkward_cases()),
                         [](const auto& info) { return info.param.name; });

class EveryVariant : public ::testing::TestWithParam<const char*> {
 protected:
  /// Skewed traffic, a gate that needs all logits again, a gated shared expert, biases: the most
  /// that one layer has.
  static Case rich_case() {
    Case test = tests::awkward_cases().back();
    test.config.gate = {.kind = GateKind::softmax_topk, .renormalize = false};
    test.config.shared = {.ffn_dim = 16, .gated = true};
    test.config.expert_bias = true;
    test.config.gate.logit_bias = true;
    return test;
  }
};

TEST_P(EveryVariant, GatherBlocksDoNotShow) {
  const Case test = rich_case();
  DeviceTraits traits = cpu().traits();
  traits.gather_block_rows = 7;  // every expert with more rows needs several blocks
  Bench bench(GetParam(), test.config, test.tokens, test.traffic,
              measure::make_request(test.config, test.tokens, true), traits);
  expect_true(bench, test.config);
}

TEST_P(EveryVariant, KeepSavedAllowsBackwardTwice) {
  const Case test = rich_case();
  Request request = measure::make_request(test.config, test.tokens, true);
  request.keep_saved = true;
  Bench bench(GetParam(), test.config, test.tokens, test.traffic, request, cpu().traits());
  expect_true(bench, test.config);

  const auto layer = bench.choice.variant->make_layer(bench.plan, cpu().id());
  const Call call = bench.workbench.call(cpu(), bench.plan);
  const Inputs inputs{bench.problem.x(), bench.problem.logit_offsets(), nullptr};
  const InputGradients gradients = bench.workbench.gradients(true);
  layer->forward(call, bench.problem.weights(), inputs, bench.workbench.outputs(false));
  const auto saved_before =
      tests::bytes_of({call.saved.data, DType::i32, {std::int64_t(call.saved.bytes / 4)}});
  layer->backward(call, bench.problem.weights(), inputs, bench.problem.d_out(), gradients);
  const auto first = tests::bytes_of(gradients.weights.w_up);
  const auto saved_after =
      tests::bytes_of({call.saved.data, DType::i32, {std::int64_t(call.saved.bytes / 4)}});
  EXPECT_EQ(saved_before, saved_after);
  layer->backward(call, bench.problem.weights(), inputs, bench.problem.d_out(), gradients);
  EXPECT_EQ(first, tests::bytes_of(gradients.weights.w_up));
}

TEST_P(EveryVariant, AddsToGradientsWhenAsked) {
  const Case test = rich_case();
  Bench bench(GetParam(), test);
  bench.trial.run_for_check();
  const auto layer = bench.choice.variant->make_layer(bench.plan, cpu().id());
  const Call call = bench.workbench.call(cpu(), bench.plan);
  const Inputs inputs{bench.problem.x(), bench.problem.logit_offsets(), nullptr};
  InputGradients gradients = bench.workbench.gradients(false);
  const Gradients& w = gradients.weights;
  const TensorView views[] = {w.w_router, w.b_router,    w.w_up,          w.w_down,       w.b_up,
                              w.b_down,   w.w_shared_up, w.w_shared_down, w.w_shared_gate};
  std::vector<std::vector<float>> once;
  for (const TensorView& view : views)
    once.emplace_back(view.as<float>(), view.as<float>() + view.size());
  gradients.accumulate = Accumulate::add;
  layer->forward(call, bench.problem.weights(), inputs, bench.workbench.outputs(false));
  layer->backward(call, bench.problem.weights(), inputs, bench.problem.d_out(), gradients);
  for (std::size_t i = 0; i < once.size(); ++i) {
    double difference = 0, norm = 0;
    for (std::size_t j = 0; j < once[i].size(); ++j) {
      const double twice = 2.0 * once[i][j];
      difference += (views[i].as<float>()[j] - twice) * (views[i].as<float>()[j] - twice);
      norm += twice * twice;
    }
    EXPECT_LE(difference, 1e-10 * norm) << "gradient " << i;
  }
}

TEST_P(EveryVariant, UnwantedGradientsStayUntouched) {
  const Case test = rich_case();
  Bench bench(GetParam(), test);
  bench.trial.run_for_check();
  const auto layer = bench.choice.variant->make_layer(bench.plan, cpu().id());
  const Call call = bench.workbench.call(cpu(), bench.plan);
  const Inputs inputs{bench.problem.x(), bench.problem.logit_offsets(), nullptr};
  const InputGradients all = bench.workbench.gradients(false);
  const auto d_x_before = tests::bytes_of(all.d_x);
  bench.workbench.poison(cpu());
  InputGradients only_d_x = all;
  only_d_x.weights = {};
  layer->forward(call, bench.problem.weights(), inputs, bench.workbench.outputs(false));
  layer->backward(call, bench.problem.weights(), inputs, bench.problem.d_out(), only_d_x);
  EXPECT_EQ(d_x_before, tests::bytes_of(only_d_x.d_x));
  for (std::byte byte : tests::bytes_of(all.weights.w_up)) ASSERT_EQ(byte, std::byte{0xff});
}

TEST_P(EveryVariant, InferenceGivesTheSameOutput) {
  const Case test = rich_case();
  Bench training(GetParam(), test);
  const auto expected = tests::bytes_of(training.trial.run_for_check().out);
  Bench inference(GetParam(), test.config, test.tokens, test.traffic,
                  measure::make_request(test.config, test.tokens, false), cpu().traits());
  EXPECT_EQ(expected, tests::bytes_of(inference.trial.run_for_check().out));
  EXPECT_LT(inference.plan.saved_bytes, training.plan.saved_bytes);
}

TEST_P(EveryVariant, EqualInputsGiveEqualBits) {
  const Case test = rich_case();
  Bench first(GetParam(), test), second(GetParam(), test);
  const measure::HostResult a = first.trial.run_for_check(), b = second.trial.run_for_check();
  EXPECT_EQ(tests::bytes_of(a.out), tests::bytes_of(b.out));
  EXPECT_EQ(tests::bytes_of(a.d_x), tests::bytes_of(b.d_x));
  EXPECT_EQ(tests::bytes_of(a.gradients.w_up), tests::bytes_of(b.gradients.w_up));
}

void interleave(TensorView w, std::int64_t n, std::int64_t row_size) {
  const std::span<const float> rows(w.as<float>(), static_cast<std::size_t>(w.size()));
  std::ranges::copy(tests::interleaved(rows, n, row_size), w.as<float>());
}

/// Equal but for what GEMMs round otherwise when their operands' rows are in another order.
void expect_equal(TensorView got, TensorView want, const char* what) {
  double difference = 0, norm = 0;
  for (std::int64_t i = 0; i < want.size(); ++i) {
    difference += std::pow(got.as<float>()[i] - want.as<float>()[i], 2);
    norm += std::pow(want.as<float>()[i], 2);
  }
  EXPECT_LE(std::sqrt(difference), 1e-6 * std::sqrt(norm)) << what;
}

TEST_P(EveryVariant, TheLayoutOfUpChangesNoResult) {
  Case test = rich_case();
  const std::int64_t n = test.config.ffn_dim, d = test.config.hidden_dim;
  Bench concatenated(GetParam(), test);
  test.config.up_layout = UpLayout::interleaved;
  Bench bench(GetParam(), test);
  interleave(bench.problem.weights().w_up, n, d);
  interleave(bench.problem.weights().b_up, n, 1);
  const measure::HostResult want = concatenated.trial.run_for_check();
  const measure::HostResult got = bench.trial.run_for_check();
  interleave(want.gradients.w_up, n, d);
  interleave(want.gradients.b_up, n, 1);
  expect_equal(got.out, want.out, "out");
  expect_equal(got.d_x, want.d_x, "d_x");
  expect_equal(got.gradients.w_router, want.gradients.w_router, "d_w_router");
  expect_equal(got.gradients.w_up, want.gradients.w_up, "d_w_up");
  expect_equal(got.gradients.w_down, want.gradients.w_down, "d_w_down");
  expect_equal(got.gradients.b_up, want.gradients.b_up, "d_b_up");
  expect_equal(got.gradients.w_shared_up, want.gradients.w_shared_up, "d_w_shared_up");
}

TEST_P(EveryVariant, TakesARoutingFromTheCaller) {
  const Case test = rich_case();
  Bench own(GetParam(), test);
  const measure::HostResult expected = own.trial.run_for_check();
  const auto expected_out = tests::bytes_of(expected.out);
  const auto expected_d_scores = tests::bytes_of(expected.d_scores);

  Bench other(GetParam(), test);
  const Routing given = tests::routing_of(expected, test);
  other.workbench.poison(cpu());
  const auto layer = other.choice.variant->make_layer(other.plan, cpu().id());
  const Call call = other.workbench.call(cpu(), other.plan);
  const Inputs inputs{other.problem.x(), {}, &given};
  InputGradients gradients = other.workbench.gradients(true);
  layer->forward(call, other.problem.weights(), inputs, other.workbench.outputs(false));
  EXPECT_EQ(expected_out, tests::bytes_of(other.workbench.outputs(false).out));
  layer->backward(call, other.problem.weights(), inputs, other.problem.d_out(), gradients);
  EXPECT_EQ(expected_d_scores, tests::bytes_of(gradients.d_scores));
  tests::expect_true_as_given(other, test, given, gradients, expected);
}

TEST_P(EveryVariant, RefusesSmallMemoryAndTooManyTokens) {
  const Case test = rich_case();
  Bench bench(GetParam(), test);
  const auto layer = bench.choice.variant->make_layer(bench.plan, cpu().id());
  Call call = bench.workbench.call(cpu(), bench.plan);
  call.workspace.bytes -= 1;
  const Inputs inputs{bench.problem.x(), {}, nullptr};
  EXPECT_THROW(
      layer->forward(call, bench.problem.weights(), inputs, bench.workbench.outputs(false)), Error);

  Request small = measure::make_request(test.config, test.tokens - 1, true);
  const Plan plan = bench.choice.variant->plan(small, cpu().traits());
  const auto small_layer = bench.choice.variant->make_layer(plan, cpu().id());
  EXPECT_THROW(
      small_layer->forward(bench.workbench.call(cpu(), bench.plan), bench.problem.weights(), inputs,
                           bench.workbench.outputs(false)),
      Error);
}

INSTANTIATE_TEST_SUITE_P(Cpu, EveryVariant, ::testing::ValuesIn(kVariants),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace moe
