// verify() accepts a right result and finds each planted defect, by the right check and at the
// right place.
#include "measure/verify/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "measure/fake_result.h"

namespace moe::measure {
namespace {

using testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<std::string> failed(const std::vector<record::Check>& checks) {
  std::vector<std::string> names;
  for (const record::Check& check : checks) {
    if (!check.passed) names.push_back(check.what);
  }
  return names;
}

record::Check named(const std::vector<record::Check>& checks, const std::string& name) {
  for (const record::Check& check : checks) {
    if (check.what == name) return check;
  }
  ADD_FAILURE() << "there is no check " << name;
  return {};
}

/// Expects exactly these checks to fail, the first at a place with this text.
void expect_failure(const Fake& fake, const std::vector<std::string>& names,
                    const std::string& place) {
  const std::vector<record::Check> checks = fake.verify();
  EXPECT_THAT(failed(checks), testing::ElementsAreArray(names));
  EXPECT_THAT(named(checks, names[0]).where, HasSubstr(place));
}

TEST(Verify, AcceptsARightResultOfEveryKind) {
  LayerConfig relu2 = small_config(), shared = relu2, rounded = relu2, sigmoid = relu2, one = relu2;
  relu2.activation = Activation::relu2;
  shared.shared = {9, true};
  rounded.rounding = {RoundingRule::nearest, 8};
  sigmoid.gate = {GateKind::sigmoid, true, true, 3, 2, 2.5f};
  one.num_experts = 1;
  one.top_k = 1;
  for (const LayerConfig& config : {small_config(), relu2, shared, rounded, sigmoid, one}) {
    for (DType dtype : {DType::f32, DType::bf16, DType::f16}) {
      for (bool given : {false, true}) {
        const auto checks = Fake(config, dtype, 40, given).verify();
        EXPECT_THAT(failed(checks), testing::IsEmpty());
        EXPECT_GE(checks.size(), given ? 8u : 14u);
      }
    }
  }
}

TEST(Verify, AcceptsForwardAlone) {
  Fake fake;
  fake.options.backward = false;
  fake.result.d_x = {};
  fake.result.d_scores = {};
  fake.result.gradients = {};
  EXPECT_THAT(failed(fake.verify()), testing::IsEmpty());
  fake.result.out.as<float>()[3] += 10;
  expect_failure(fake, {"out"}, "token 0, column 3");
}

TEST(Verify, SaysWhatItCompared) {
  Fake fake;
  fake.options.sampled_tokens = 8;
  const auto checks = fake.verify();
  EXPECT_EQ(named(checks, "logits").scope, "8 tokens");
  EXPECT_EQ(named(checks, "d_w_up").scope, "4 channels of 6 experts");
  EXPECT_EQ(named(checks, "empty_experts").scope, "1 expert");
  EXPECT_EQ(named(checks, "row_tokens").tolerance, 0);
  EXPECT_EQ(named(checks, "out").tolerance, 1e-5);
}

TEST(Verify, FindsAWrongLogit) {
  Fake fake;
  fake.result.logits[49 * 6 + 4] -= 1e-3f;  // of the last token, which is always sampled
  const auto checks = fake.verify();
  EXPECT_FALSE(named(checks, "logits").passed);
  EXPECT_THAT(named(checks, "logits").where, HasSubstr("token 49, expert 4: got "));
}

TEST(Verify, FindsTheWrongSideOfATie) {
  Fake fake;
  // Two logits of token 7 become equal, and the greatest: experts 1 and 3.
  fake.result.logits[7 * 6 + 1] = fake.result.logits[7 * 6 + 3] = 9;
  fake.routed = truth::route(fake.config(), fake.result.logits.data(), nullptr, 50);
  ASSERT_EQ(fake.routed.chosen_experts[7 * 2], 1);
  fake.result.chosen_experts = fake.routed.chosen_experts;
  std::swap(fake.result.chosen_experts[7 * 2], fake.result.chosen_experts[7 * 2 + 1]);
  const auto checks = fake.verify();
  EXPECT_EQ(named(checks, "chosen_experts").error, 2);
  EXPECT_EQ(named(checks, "chosen_experts").where, "token 7, choice 0: got 3, want 1");
  EXPECT_EQ(checks.back().what, "token_rows") << "nothing is compared behind a wrong routing";
}

TEST(Verify, TakesEitherSideOfATieFromAFramework) {
  Fake fake;
  fake.result.exact_choice = false;
  ASSERT_THAT(failed(fake.verify()), testing::IsEmpty());
  fake.result.logits[7 * 6 + 1] = fake.result.logits[7 * 6 + 3] = 9;
  const auto exact = truth::route(fake.config(), fake.result.logits.data(), nullptr, 50);
  fake.result.chosen_experts = exact.chosen_experts;
  std::swap(fake.result.chosen_experts[7 * 2], fake.result.chosen_experts[7 * 2 + 1]);
  EXPECT_TRUE(named(fake.verify(), "chosen_experts").passed);
  fake.result.chosen_experts[7 * 2] = 0;  // no tie: an error all the same
  EXPECT_EQ(named(fake.verify(), "chosen_experts").error, 2);
}

TEST(Verify, FindsSwappedRows) {
  Fake fake;
  std::swap(fake.result.row_tokens[0], fake.result.row_tokens[1]);
  expect_failure(fake, {"row_tokens"}, "row 0: got ");
}

TEST(Verify, FindsAWrongInverse) {
  Fake fake;
  std::swap(fake.result.token_rows[20], fake.result.token_rows[21]);
  expect_failure(fake, {"token_rows"}, "place 20: got ");
}

TEST(Verify, FindsScoresThatAreSlightlyOff) {
  Fake fake;
  fake.result.row_scores[5] *= 1.001f;
  expect_failure(fake, {"row_scores"}, "row 5: got ");
  fake.result.row_scores[5] /= 1.001f;
  fake.result.chosen_scores[9] = kNan;
  expect_failure(fake, {"chosen_scores"}, "token 4, choice 1: got ");
}

TEST(Verify, FindsRowsThatRoundingShouldHaveDropped) {
  LayerConfig rounded = small_config();
  rounded.rounding = {RoundingRule::down, 8};
  Fake fake(rounded), unrounded;
  ASSERT_LT(fake.routed.row_tokens.size(), 100u);
  fake.result.expert_offsets = unrounded.result.expert_offsets;
  EXPECT_FALSE(named(fake.verify(), "expert_offsets").passed);
}

TEST(Verify, SurvivesPoisonedRoutingOfNoLength) {
  Fake fake;
  fake.result.expert_offsets.assign(7, -1);
  fake.result.row_tokens.clear();
  fake.result.row_scores.clear();
  fake.result.token_offsets.assign(51, -1);
  fake.result.token_rows.clear();
  expect_failure(fake,
                 {"expert_offsets", "row_tokens", "row_scores", "token_offsets", "token_rows"},
                 "expert 0: got -1, want 0");
}

TEST(Verify, FindsOneWrongElementOfOut) {
  Fake fake;
  fake.result.out.as<float>()[49 * 16 + 15] += 0.01f;
  expect_failure(fake, {"out"}, "token 49, column 15: got ");
}

TEST(Verify, FindsAWrongElementOfDX) {
  Fake fake;
  fake.result.d_x.as<float>()[0] += 0.01f;
  expect_failure(fake, {"d_x"}, "token 0, column 0: got ");
}

TEST(Verify, FindsNanOutsideOfAllSamples) {
  Fake fake;
  fake.options.sampled_tokens = fake.options.sampled_channels = fake.options.sampled_experts = 1;
  const auto sampled = named(fake.verify(), "out").scope;
  ASSERT_NE(sampled, "50 tokens");
  for (std::int64_t t = 0; t < 50; ++t) fake.result.out.as<float>()[t * 16 + 2] = kNan;
  const auto checks = fake.verify();
  EXPECT_THAT(failed(checks), testing::ElementsAre("written", "out"));
  EXPECT_EQ(checks[0].error, 50);
  EXPECT_THAT(checks[0].where, HasSubstr("out at token 0, column 2: got "));
}

TEST(Verify, FindsUnwrittenGradientsInBfloat16) {
  Fake fake(small_config(), DType::bf16);
  fake.result.gradients.w_down.as<bfloat16>()[(2 * 16 + 3) * 12 + 4].bits = 0xffff;
  const auto checks = fake.verify();
  EXPECT_THAT(checks[0].where, HasSubstr("d_w_down at expert 2, row 3, column 4: got "));
}

TEST(Verify, FindsUnwrittenGradientsInFloat16) {
  Fake fake(small_config(), DType::f16);
  fake.result.gradients.w_down.as<float16>()[(2 * 16 + 3) * 12 + 4].bits = 0xffff;
  const auto checks = fake.verify();
  EXPECT_THAT(checks[0].where, HasSubstr("d_w_down at expert 2, row 3, column 4: got "));
}

TEST(Verify, ToleratesAnEighthInFloat16) {
  EXPECT_EQ(tolerance_of(DType::bf16), 8 * tolerance_of(DType::f16));
  EXPECT_EQ(named(Fake(small_config(), DType::f16).verify(), "out").tolerance, 1.25e-3);
}

TEST(Verify, StopsAtLogitsThatAreNoNumbers) {
  Fake fake;
  fake.result.logits[13] = kNan;
  const auto checks = fake.verify();
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_THAT(checks[0].where, HasSubstr("logits at token 2, expert 1: got "));
}

TEST(Verify, FindsAMissingTermInTheLargestExpert) {
  Fake fake;
  const std::int64_t e = fake.largest_expert();
  for (std::int64_t i = 0; i < 24; ++i)
    fake.result.gradients.w_up.as<float>()[(e * 24 + i) * 16 + 5] *= 0.99f;
  expect_failure(fake, {"d_w_up"}, "expert " + std::to_string(e) + ", row ");
  EXPECT_THAT(named(fake.verify(), "d_w_up").where, HasSubstr("column 5: got "));
}

TEST(Verify, FindsAMissingEntryInTheLargestExpertAmongMany) {
  Fake fake;
  fake.options.sampled_experts = 1;
  fake.options.sampled_channels = 12;
  const std::int64_t e = fake.largest_expert();
  fake.result.gradients.w_down.as<float>()[(e * 16 + 9) * 12 + 7] = 0;
  const std::string place = "expert " + std::to_string(e) + ", row 9, column 7: got 0, want ";
  expect_failure(fake, {"d_w_down"}, place);
}

LayerConfig config_with_biases() {
  LayerConfig config = small_config();
  config.expert_bias = true;
  config.gate.logit_bias = true;
  return config;
}

TEST(Verify, FindsWrongGradientsOfBiases) {
  Fake up(config_with_biases());
  EXPECT_THAT(failed(up.verify()), testing::IsEmpty());
  const std::int64_t e = up.largest_expert();
  for (std::int64_t i = 0; i < 24; ++i) up.result.gradients.b_up.as<float>()[e * 24 + i] *= 0.99f;
  expect_failure(up, {"d_b_up"}, "expert " + std::to_string(e) + ", row ");
  Fake down(config_with_biases());
  down.result.gradients.b_down.as<float>()[e * 16 + 3] += 0.01f;
  expect_failure(down, {"d_b_down"}, "expert " + std::to_string(e) + ", row 3: got ");
  Fake router(config_with_biases());
  router.result.gradients.b_router.as<float>()[e] *= 1.01f;
  expect_failure(router, {"d_b_router"}, "expert " + std::to_string(e) + ": got ");
}

/// Gate and up of an interleaved layer's gradients lie in turns; in the other order they are wrong.
TEST(Verify, HoldsGradientsToTheLayoutOfUp) {
  LayerConfig config = config_with_biases();
  config.up_layout = UpLayout::interleaved;
  Fake fake(config);
  EXPECT_THAT(failed(fake.verify()), testing::IsEmpty());
  const std::int64_t e = fake.largest_expert(), d = 16, u = 24;
  const auto swap_first_rows = [&](TensorView view, std::int64_t row_size) {
    float* rows = view.as<float>() + e * u * row_size;
    std::swap_ranges(rows, rows + row_size, rows + row_size);
  };
  swap_first_rows(fake.result.gradients.w_up, d);
  swap_first_rows(fake.result.gradients.b_up, 1);
  EXPECT_THAT(failed(fake.verify()), testing::ElementsAre("d_w_up", "d_b_up"));
}

TEST(Verify, FindsTheStaleBiasGradientOfAnEmptyExpert) {
  Fake fake(config_with_biases());
  ASSERT_EQ(fake.rows_of(5), 0);
  fake.result.gradients.b_down.as<float>()[5 * 16 + 9] = 1e-30f;
  EXPECT_THAT(named(fake.verify(), "empty_experts").where,
              HasSubstr("d_b_down at expert 5, row 9"));
}

TEST(Verify, FindsTheStaleGradientOfAnEmptyExpert) {
  Fake fake;
  ASSERT_EQ(fake.rows_of(5), 0);
  fake.options.sampled_channels = 1;
  fake.result.gradients.w_down.as<float>()[(5 * 16 + 1) * 12 + 2] = 1e-30f;
  EXPECT_THAT(failed(fake.verify()), testing::Contains("empty_experts"));
  EXPECT_THAT(named(fake.verify(), "empty_experts").where,
              HasSubstr("d_w_down at expert 5, row 1, column 2"));
}

TEST(Verify, FindsWrongDScores) {
  Fake fake;
  const std::int32_t row = fake.routed.token_rows[0];  // of token 0, which is always sampled
  fake.result.d_scores.as<float>()[row] += 1;
  // d_w_router is held against what these very d_scores should give.
  expect_failure(fake, {"d_scores", "d_w_router"}, "row " + std::to_string(row) + ": got ");
}

TEST(Verify, FindsUnwrittenDScoresOfAGivenRouting) {
  Fake fake(small_config(), DType::f32, 50, true);
  fake.result.d_scores.as<float>()[50] = kNan;
  fake.result.gradients.w_router = fake.result.out;  // not a result of such a run: nobody looks
  EXPECT_THAT(named(fake.verify(), "written").where, HasSubstr("d_scores at row 50: got "));
}

TEST(Verify, FindsAWrongRouterGradient) {
  Fake fake;
  fake.result.gradients.w_router.as<float>()[5 * 16 + 6] += 0.1f;
  expect_failure(fake, {"d_w_router"}, "expert 5, column 6: got ");
}

TEST(Verify, AllowsRoundingWhereTheRouterGradientCancels) {
  LayerConfig config = small_config();
  config.gate.kind = GateKind::sigmoid;
  config.top_k = 1;  // a renormalized score is always 1
  Fake fake(config);
  float* element = &fake.result.gradients.w_router.as<float>()[3];
  EXPECT_LT(std::abs(*element), 1e-12f);
  *element = 1e-6f;
  EXPECT_THAT(failed(fake.verify()), testing::IsEmpty());
  *element = 1e-1f;
  expect_failure(fake, {"d_w_router"}, "expert 0, column 3: got ");
}

TEST(Verify, FindsWrongSharedGradients) {
  LayerConfig config = small_config();
  config.shared = {3, true};
  Fake fake(config);
  fake.result.gradients.w_shared_up.as<float>()[5 * 16 + 1] += 1;
  fake.result.gradients.w_shared_down.as<float>()[2 * 3 + 1] += 1;
  fake.result.gradients.w_shared_gate.as<float>()[4] += 1;
  expect_failure(fake, {"d_w_shared_up", "d_w_shared_down", "d_w_shared_gate"},
                 "row 5, column 1: got ");
}

TEST(Verify, FindsAGivenRoutingThatIsNone) {
  Fake fake(small_config(), DType::f32, 50, true);
  fake.given.row_tokens[1] = fake.given.row_tokens[0];
  expect_failure(fake, {"given_routing"}, "tokens do not ascend at row 1 of expert 0");
  fake.given.row_tokens[1] = 50;
  expect_failure(fake, {"given_routing"}, "there is no token 50");
  fake.given.expert_offsets[2] = 1000;
  expect_failure(fake, {"given_routing"}, "expert_offsets falls after expert 2");
}

TEST(Verify, FindsAVariantThatRoutesByItselfThoughARoutingWasGiven) {
  Fake fake(small_config(), DType::f32, 50, true), other(small_config(), DType::f32, 50);
  for (int token = 0; token < 50; ++token) other.result.logits[token * 6 + 5] += 30;
  const auto own = truth::route(small_config(), other.result.logits.data(), nullptr, 50);
  fake.result.expert_offsets = own.expert_offsets;
  fake.result.row_tokens = own.row_tokens;
  EXPECT_FALSE(named(fake.verify(), "expert_offsets").passed);
  EXPECT_FALSE(named(fake.verify(), "row_tokens").passed);
}

TEST(Verify, FindsAChangedScoreOfAGivenRouting) {
  Fake fake(small_config(), DType::f32, 50, true);
  fake.result.row_scores[5] *= 1.001f;
  expect_failure(fake, {"row_scores"}, "row 5: got ");
}

TEST(Verify, RefusesAnIncompleteResult) {
  Fake fake;
  fake.result.d_scores = {};
  EXPECT_THROW(fake.verify(), Error);
}

TEST(Verifier, KeepsTheTruthOfOneRoutingApartFromAnother) {
  Fake fake;
  Verifier verifier(fake.owned.problem, fake.options);
  EXPECT_THAT(failed(verifier.verify(fake.result)), testing::IsEmpty());
  HostResult wrong = fake.result;
  wrong.logits[49 * 6] += 0.01f;  // another score for the same choice
  const truth::RoutedRows routed = truth::route(fake.config(), wrong.logits.data(), nullptr, 50);
  ASSERT_EQ(routed.chosen_experts, fake.routed.chosen_experts);
  EXPECT_THAT(failed(verifier.verify(wrong)), testing::Contains("logits"));
  EXPECT_THAT(failed(verifier.verify(fake.result)), testing::IsEmpty()) << "remembered";
  std::vector<float> zeros(50 * 16);
  fake.result.out.data = zeros.data();
  EXPECT_THAT(failed(verifier.verify(fake.result)), testing::ElementsAre("out"));
}

}  // namespace
}  // namespace moe::measure
