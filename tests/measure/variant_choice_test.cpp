// Labels of rows.
#include "measure/problem/variant_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moe/error.h"

namespace moe::measure {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(VariantChoice, DefaultRowsAreTheFiveImplementations) {
  EXPECT_THAT(
      default_labels(DeviceKind::cpu),
      ElementsAre("vanilla", "grouped_gemm", "grouped_gemm+rounding", "sonic", "sonic+rounding"));
  for (const std::string& label : default_labels(DeviceKind::cpu)) {
    EXPECT_THAT(known_labels(DeviceKind::cpu), testing::Contains(label));
    EXPECT_EQ(parse_variant(DeviceKind::cpu, label).label, label);
  }
}

TEST(VariantChoice, DefaultRowsOfADeviceThatRunsAllVariantsAreTheSame) {
  DeviceTraits traits;
  const auto labels = default_labels(DeviceKind::cpu);
  EXPECT_EQ(default_labels(LayerConfig{}, traits), labels);
  EXPECT_EQ(default_labels(LayerConfig{.dtype = DType::bf16}, traits), labels);  // none runs
}

TEST(VariantChoice, TheSuffixTurnsRoundingOn) {
  LayerConfig config;
  config.rounding = {RoundingRule::up, 32};
  const VariantChoice plain = parse_variant(DeviceKind::cpu, "sonic");
  const VariantChoice rounded = parse_variant(DeviceKind::cpu, "sonic+rounding");
  EXPECT_EQ(plain.variant, rounded.variant);
  EXPECT_EQ(plain.variant->name(), "sonic");
  EXPECT_EQ(plain.config(config).rounding.rule, RoundingRule::none);
  EXPECT_EQ(rounded.config(config).rounding.rule, RoundingRule::up);
  EXPECT_EQ(rounded.config(config).rounding.tile, 32);
}

TEST(VariantChoice, TheDenseBoundIsNoVariant) {
  const VariantChoice choice = parse_variant(DeviceKind::cpu, "dense_bound");
  EXPECT_TRUE(choice.is_dense_bound());
  EXPECT_FALSE(choice.rounded);
  EXPECT_FALSE(parse_variant(DeviceKind::cpu, "sonic").is_dense_bound());
  EXPECT_THAT(known_labels(DeviceKind::cpu), testing::Contains("dense_bound"));
  EXPECT_EQ(default_labels(DeviceKind::cuda).back(), "dense_bound");
}

TEST(VariantChoice, UnknownLabelsNameTheKnownOnes) {
  for (const char* label : {"sonik", "+rounding", "", "sonic+", "sonic+rounding+rounding"}) {
    try {
      parse_variant(DeviceKind::cpu, label);
      ADD_FAILURE() << label << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_THAT(error.what(), HasSubstr("unknown variant '" + std::string(label) + "'"));
      EXPECT_THAT(error.what(), HasSubstr("known: vanilla, vanilla+rounding, "));
    }
  }
}

}  // namespace
}  // namespace moe::measure
