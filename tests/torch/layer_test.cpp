// The variants in PyTorch against the truth, on the shapes, gates and activations that every
// variant is held to; on a GPU too where there is one and PyTorch has CUDA.
#include <gtest/gtest.h>

#include <cmath>

#include "measure/problem/given_routing.h"
#include "support/amplify.h"
#include "support/bench.h"

namespace moe {
namespace {

using tests::Bench;
using tests::Case;
using tests::cpu;

const char* const kVariants[] = {"vanilla_torch", "torch_grouped_mm"};

/// Runs and compares; skips what the variant says it cannot do.
void expect_true(const std::string& variant, const Case& test, bool training = true) {
  SCOPED_TRACE(test.name + " " + variant);
  const Request request = measure::make_request(test.config, test.tokens, training);
  const auto choice = measure::parse_variant(DeviceKind::cpu, variant);
  if (choice.variant->unsupported(request, cpu().traits())) return;
  Bench bench(variant, test.config, test.tokens, test.traffic, request, cpu().traits());
  tests::amplify(cpu(), bench.problem, test.config);
  measure::VerifyOptions options = tests::check_everything();
  options.backward = training;
  const measure::HostResult result = bench.trial.run_for_check();
  for (const record::Check& check :
       measure::verify(bench.problem.host(test.config), result, options)) {
    EXPECT_TRUE(check.passed) << check.what << ": error " << check.error << " at " << check.where;
  }
}

/// Half of the channels are dead: one row must have enough of them left for a norm.
bool kills_channels(Activation activation) {
  return activation == Activation::reglu || activation == Activation::relu2;
}

/// PyTorch rounds every result, d_scores' terms too: in bfloat16 a single token needs wider rows
/// for a norm within 1e-2 to mean anything.
void widen_for_bf16(Case& test) {
  if (test.config.dtype != DType::bf16 || test.tokens > 1) return;
  test.config.hidden_dim *= 8;
  test.config.ffn_dim *= 8;
}

/// The awkward shapes, and where torch._grouped_mm would refuse them the next that it takes.
std::vector<Case> cases() {
  std::vector<Case> all = tests::awkward_cases();
  Case rounded_up = all[6];
  rounded_up.name += "_of_16_bytes";
  rounded_up.config.hidden_dim = 40;
  rounded_up.config.ffn_dim = 32;
  all.push_back(rounded_up);
  return all;
}

/// One score is one sum of rounded terms: nothing averages its error to within float16's tolerance.
bool is_too_few_rows(DType dtype, std::int64_t tokens) {
  return dtype == DType::f16 && tokens == 1;
}

class EveryShape : public ::testing::TestWithParam<Case> {};

TEST_P(EveryShape, AgreesWithTruthOnEveryGate) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    if (is_too_few_rows(dtype, GetParam().tokens)) continue;
    for (const tests::NamedGate& gate : tests::gates_for(GetParam().config)) {
      SCOPED_TRACE(gate.name + " " + std::string(name_of(dtype)));
      Case test = GetParam();
      test.config.dtype = dtype;
      widen_for_bf16(test);
      test.config.gate = gate.gate;
      for (const char* variant : kVariants) expect_true(variant, test);
    }
  }
}

TEST_P(EveryShape, EveryActivationAgreesWithTruth) {
  for (const Activation activation : kActivations) {
    SCOPED_TRACE(std::string(name_of(activation)));
    Case test = GetParam();
    test.config.activation = activation;
    test.config.shared = {.ffn_dim = 24};
    if (kills_channels(activation)) test.config.ffn_dim *= 8;
    for (const char* variant : kVariants) expect_true(variant, test);
  }
}

TEST_P(EveryShape, BiasesAgreeWithTruth) {
  Case test = GetParam();
  test.config.activation = Activation::clamped_swiglu;
  test.config.gate.logit_bias = true;
  for (const char* variant : kVariants) expect_true(variant, test);
  test.config.expert_bias = true;
  for (const char* variant : kVariants) expect_true(variant, test);
}

TEST_P(EveryShape, InterleavedWeightsAgreeWithTruth) {
  Case test = GetParam();
  test.config.up_layout = UpLayout::interleaved;
  test.config.shared = {.ffn_dim = 24};  // not interleaved
  for (const char* variant : kVariants) expect_true(variant, test);
  test.config.activation = Activation::clamped_swiglu;
  test.config.expert_bias = true;
  for (const char* variant : kVariants) expect_true(variant, test);
}

TEST_P(EveryShape, SharedExpertAgreesWithTruth) {
  for (const bool gated : {false, true}) {
    for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
      if (is_too_few_rows(dtype, GetParam().tokens)) continue;
      Case test = GetParam();
      test.config.dtype = dtype;
      widen_for_bf16(test);
      test.config.shared = {.ffn_dim = 24, .gated = gated};
      for (const char* variant : kVariants) expect_true(variant, test);
    }
  }
}

TEST_P(EveryShape, InferenceAgreesWithTruth) {
  for (const char* variant : kVariants) expect_true(variant, GetParam(), false);
}

INSTANTIATE_TEST_SUITE_P(Torch, EveryShape, ::testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name; });

class EveryVariant : public ::testing::TestWithParam<const char*> {
 protected:
  /// All that both variants have: skewed traffic, a gate that needs every logit, a gated shared
  /// expert.
  static Case rich_case() {
    Case test = tests::awkward_cases().back();
    test.config.gate = {.kind = GateKind::softmax_topk, .renormalize = false};
    test.config.gate.logit_bias = true;
    test.config.shared = {.ffn_dim = 16, .gated = true};
    return test;
  }

  Bench bench_of(const Case& test, bool keep_saved = false) const {
    Request request = measure::make_request(test.config, test.tokens, true);
    request.keep_saved = keep_saved;
    return Bench(GetParam(), test.config, test.tokens, test.traffic, request, cpu().traits());
  }
};

double relative_distance(const std::vector<float>& got, const std::vector<float>& want,
                         double factor) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    difference += std::pow(got[i] - factor * want[i], 2);
    norm += std::pow(factor * want[i], 2);
  }
  return norm == 0 ? difference : std::sqrt(difference / norm);
}

std::vector<float> floats_of(TensorView view) {
  return {view.as<float>(), view.as<float>() + view.size()};
}

std::vector<TensorView> views_of(const Gradients& g) {
  return {g.w_router,    g.b_router,      g.w_up,         g.w_down,
          g.w_shared_up, g.w_shared_down, g.w_shared_gate};
}

TEST_P(EveryVariant, AddsToGradientsWhenAsked) {
  const Case test = rich_case();
  Bench bench = bench_of(test);
  bench.trial.run_for_check();
  const auto layer = bench.choice.variant->make_layer(bench.plan, cpu().id());
  const Call call = bench.workbench.call(cpu(), bench.plan);
  const Inputs inputs{bench.problem.x(), bench.problem.logit_offsets(), nullptr};
  InputGradients gradients = bench.workbench.gradients(false);
  std::vector<std::vector<float>> once;
  for (const TensorView& view : views_of(gradients.weights)) once.push_back(floats_of(view));
  gradients.accumulate = Accumulate::add;
  layer->forward(call, bench.problem.weights(), inputs, bench.workbench.outputs(false));
  layer->backward(call, bench.problem.weights(), inputs, bench.problem.d_out(), gradients);
  const std::vector<TensorView> views = views_of(gradients.weights);
  for (std::size_t i = 0; i < views.size(); ++i) {
    EXPECT_LE(relative_distance(floats_of(views[i]), once[i], 2), 1e-5) << "gradient " << i;
  }
}

TEST_P(EveryVariant, UnwantedGradientsStayUntouched) {
  Bench bench = bench_of(rich_case());
  bench.trial.run_for_check();
  const InputGradients all = bench.workbench.gradients(false);
  const std::vector<float> d_x = floats_of(all.d_x);
  bench.workbench.poison(cpu());
  const auto layer = bench.choice.variant->make_layer(bench.plan, cpu().id());
  const Call call = bench.workbench.call(cpu(), bench.plan);
  const Inputs inputs{bench.problem.x(), bench.problem.logit_offsets(), nullptr};
  InputGradients only_d_x = all;
  only_d_x.weights = {};
  layer->forward(call, bench.problem.weights(), inputs, bench.workbench.outputs(false));
  layer->backward(call, bench.problem.weights(), inputs, bench.problem.d_out(), only_d_x);
  EXPECT_LE(relative_distance(floats_of(only_d_x.d_x), d_x, 1), 1e-5);
  for (std::byte byte : tests::bytes_of(all.weights.w_up)) ASSERT_EQ(byte, std::byte{0xff});
}

TEST_P(EveryVariant, KeepSavedAllowsBackwardTwiceAndElseItIsRefused) {
  for (const bool keep_saved : {false, true}) {
    Bench bench = bench_of(rich_case(), keep_saved);
    const auto layer = bench.choice.variant->make_layer(bench.plan, cpu().id());
    const Call call = bench.workbench.call(cpu(), bench.plan);
    const Inputs inputs{bench.problem.x(), bench.problem.logit_offsets(), nullptr};
    const InputGradients gradients = bench.workbench.gradients(true);
    const auto backward = [&] {
      layer->backward(call, bench.problem.weights(), inputs, bench.problem.d_out(), gradients);
    };
    EXPECT_THROW(backward(), Error) << "before any forward()";
    layer->forward(call, bench.problem.weights(), inputs, bench.workbench.outputs(false));
    backward();
    const std::vector<float> first = floats_of(gradients.weights.w_up);
    if (!keep_saved) {
      EXPECT_THROW(backward(), Error);
      continue;
    }
    backward();
    EXPECT_LE(relative_distance(floats_of(gradients.weights.w_up), first, 1), 1e-6);
  }
}

/// Two layers in flight: each saved region has its own graph.
TEST_P(EveryVariant, SavedRegionsAreIndependent) {
  const Case test = rich_case();
  Bench first = bench_of(test), second = bench_of(test);
  const std::vector<float> want = floats_of(first.trial.run_for_check().d_x);
  const auto layer = first.choice.variant->make_layer(first.plan, cpu().id());
  const Inputs inputs{first.problem.x(), first.problem.logit_offsets(), nullptr};
  for (Bench* bench : {&first, &second}) {
    layer->forward(bench->workbench.call(cpu(), bench->plan), first.problem.weights(), inputs,
                   bench->workbench.outputs(false));
  }
  for (Bench* bench : {&second, &first}) {
    const InputGradients gradients = bench->workbench.gradients(false);
    layer->backward(bench->workbench.call(cpu(), bench->plan), first.problem.weights(), inputs,
                    first.problem.d_out(), gradients);
    EXPECT_LE(relative_distance(floats_of(gradients.d_x), want, 1), 1e-6);
  }
}

TEST_P(EveryVariant, EqualInputsGiveEqualBitsWhereThePlanSaysSo) {
  const Case test = rich_case();
  Bench first = bench_of(test), second = bench_of(test);
  ASSERT_EQ(first.plan.deterministic, std::string(GetParam()) == "vanilla_torch");
  if (!first.plan.deterministic) GTEST_SKIP() << "atomic additions";
  const measure::HostResult a = first.trial.run_for_check(), b = second.trial.run_for_check();
  EXPECT_EQ(tests::bytes_of(a.out), tests::bytes_of(b.out));
  EXPECT_EQ(tests::bytes_of(a.d_x), tests::bytes_of(b.d_x));
  EXPECT_EQ(tests::bytes_of(a.gradients.w_up), tests::bytes_of(b.gradients.w_up));
}

/// autograd must keep gathered X, H, act's parts and Y: no less than vanilla's plan, whose formula
/// a test of its own counts, and not twice as much.
TEST_P(EveryVariant, CountsWhatAutogradKeeps) {
  Case test = tests::awkward_cases().front();
  test.config = tests::layer(256, 128, 8, 2);
  test.tokens = 512;
  Bench bench = bench_of(test);
  bench.trial.run_for_check();
  const OwnMemory own = bench.trial.own_memory();
  const double rows = 512.0 * 2, d = 256, n = 128;
  const double kept = 4 * rows * (2 * d + 2 * n + n);  // X gathered, H, A, Y
  EXPECT_GE(own.saved_bytes, kept);
  EXPECT_LE(own.saved_bytes, 2 * kept);
  EXPECT_GE(own.peak_bytes, own.saved_bytes);
}

TEST(TorchMemory, AnExpertsGradientIsGivenBackBeforeTheNextExperts) {
  Case test = tests::awkward_cases().front();
  test.config = tests::layer(256, 128, 16, 2);
  test.tokens = 64;
  Bench bench("vanilla_torch", test);
  bench.trial.run_for_check();
  const double all_gradients = 4.0 * 16 * 256 * 128 * 3;
  EXPECT_LT(static_cast<double>(bench.trial.own_memory().peak_bytes -
                                bench.trial.own_memory().saved_bytes),
            0.25 * all_gradients);
}

TEST_P(EveryVariant, TakesARoutingFromTheCaller) {
  const Case test = rich_case();
  Bench own = bench_of(test), other = bench_of(test);
  const measure::HostResult expected = own.trial.run_for_check();
  const std::vector<float> want_out = floats_of(expected.out);
  const Routing given = tests::routing_of(expected, test);
  other.workbench.poison(cpu());
  const auto layer = other.choice.variant->make_layer(other.plan, cpu().id());
  const Call call = other.workbench.call(cpu(), other.plan);
  const Inputs inputs{other.problem.x(), {}, &given};
  const InputGradients gradients = other.workbench.gradients(true);
  layer->forward(call, other.problem.weights(), inputs, other.workbench.outputs(false));
  EXPECT_LE(relative_distance(floats_of(other.workbench.outputs(false).out), want_out, 1), 1e-6);
  layer->backward(call, other.problem.weights(), inputs, other.problem.d_out(), gradients);
  EXPECT_EQ(tests::bytes_of(layer->routing(call.saved, test.tokens).row_tokens),
            tests::bytes_of(given.row_tokens));
  tests::expect_true_as_given(other, test, given, gradients, expected);
}

TEST_P(EveryVariant, RefusesSmallMemoryAndTooManyTokens) {
  const Case test = rich_case();
  Bench bench = bench_of(test);
  const auto layer = bench.choice.variant->make_layer(bench.plan, cpu().id());
  Call call = bench.workbench.call(cpu(), bench.plan);
  call.saved.bytes -= 1;
  const Inputs inputs{bench.problem.x(), {}, nullptr};
  EXPECT_THROW(
      layer->forward(call, bench.problem.weights(), inputs, bench.workbench.outputs(false)), Error);
  const Request small = measure::make_request(test.config, test.tokens - 1, true);
  const Plan plan = bench.choice.variant->plan(small, cpu().traits());
  const auto small_layer = bench.choice.variant->make_layer(plan, cpu().id());
  EXPECT_THROW(
      small_layer->forward(bench.workbench.call(cpu(), bench.plan), bench.problem.weights(), inputs,
                           bench.workbench.outputs(false)),
      Error);
}

INSTANTIATE_TEST_SUITE_P(Torch, EveryVariant, ::testing::ValuesIn(kVariants),
                         [](const auto& info) { return std::string(info.param); });

TEST(TorchVariants, SayWhatTheyCannotDo) {
  LayerConfig config = tests::layer(32, 24, 8, 2);
  const auto reason = [&](const char* variant) {
    return measure::parse_variant(DeviceKind::cpu, variant)
        .variant->unsupported(measure::make_request(config, 64, true), cpu().traits())
        .value_or("");
  };
  EXPECT_EQ(reason("vanilla_torch"), "");
  EXPECT_EQ(reason("torch_grouped_mm"), "");
  config.expert_bias = true;
  EXPECT_EQ(reason("vanilla_torch"), "");
  EXPECT_EQ(reason("torch_grouped_mm"), "torch._grouped_mm takes no bias");
  config = tests::layer(37, 24, 8, 2);
  EXPECT_EQ(reason("vanilla_torch"), "");
  EXPECT_EQ(reason("torch_grouped_mm"),
            "torch._grouped_mm wants rows that are multiples of 16 bytes");
  config = tests::layer(32, 24, 8, 2);
  config.rounding.rule = RoundingRule::nearest;
  EXPECT_EQ(reason("vanilla_torch"), "token rounding is no operator of PyTorch");
}

TEST(TorchVariants, AreNamedAndNotAmongAll) {
  const auto defaults = measure::default_labels(DeviceKind::cpu);
  const auto known = measure::known_labels(DeviceKind::cpu);
  for (const std::string name : kVariants) {
    EXPECT_EQ(std::count(defaults.begin(), defaults.end(), name), 0);
    EXPECT_EQ(std::count(known.begin(), known.end(), name), 1);
    EXPECT_EQ(std::count(known.begin(), known.end(), name + "+rounding"), 0);
  }
}

}  // namespace
}  // namespace moe
