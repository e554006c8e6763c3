// The shipped points, the fit, and what the shipped factors are worth.
#include "model/published/validation.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "model/published/shipped.h"
#include "moe/error.h"

namespace moe::model {
namespace {

PublishedPoints shipped_points() {
  return read_published_points(config::parse_toml_table(published_points_toml(), "points"));
}

TEST(PublishedPoints, NameTheirSourceAndFourAreFitted) {
  const PublishedPoints points = shipped_points();
  EXPECT_EQ(points.runs.size() + points.layers.size(), 15u);
  EXPECT_EQ(std::count_if(points.runs.begin(), points.runs.end(),
                          [](const PublishedRun& run) { return run.fit; }),
            4);
  for (const PublishedRun& run : points.runs) EXPECT_FALSE(run.source.empty()) << run.name;
}

// 49.3 % of 989 TFLOP/s at 242 GFLOP per token.
TEST(PublishedPoints, UtilizationBecomesTokens) {
  for (const PublishedRun& run : shipped_points().runs) {
    if (run.name != "Mixtral 8x22B, 128 H100") continue;
    EXPECT_NEAR(run.tokens_per_s_per_gpu, 2014, 5);
  }
}

TEST(PublishedPoints, RefuseFilesWithErrors) {
  const auto read = [](const char* text) {
    return read_published_points(config::parse_toml_table(text, "mine.toml"));
  };
  EXPECT_THROW(read("[[run]]\nname = \"x\"\n"), Error);
  EXPECT_THROW(read("[[layer]]\nname = \"x\"\nsource = \"y\"\nvariant = \"sonic\"\n"
                    "config = \"deepseek-v3\"\ngpu = \"h100\"\ntokens = 1\npass = \"sideways\"\n"
                    "tflops = 1\n"),
               Error);
}

TEST(Validation, ShippedFactorsAreThoseThatTheFitFinds) {
  const PublishedPoints points = shipped_points();
  const Factors shipped = default_factors().base;
  const Factors found = fit(points.runs, shipped);
  for (const FactorRule& rule : factor_rules()) {
    EXPECT_NEAR(found.*rule.member, shipped.*rule.member,
                0.03 * std::max(std::abs(rule.high - rule.low), shipped.*rule.member))
        << rule.name;
  }
}

TEST(Validation, ReachesItsTargetAndRangesHoldTheBase) {
  const Validation validation = validate(shipped_points(), default_factors());
  EXPECT_GE(validation.good, kWantedGood);
  for (const PointResult& point : validation.points) {
    EXPECT_LT(point.low, point.base) << point.name;
    EXPECT_LT(point.base, point.high) << point.name;
  }
}

TEST(Validation, AFitMovesTowardsWhatWasPublished) {
  PublishedPoints points = shipped_points();
  for (PublishedRun& run : points.runs) run.tokens_per_s_per_gpu *= 0.95;
  const Factors slower = fit(points.runs, default_factors().base);
  const Factors usual = default_factors().base;
  EXPECT_LT(slower.gemm_efficiency, usual.gemm_efficiency);
  EXPECT_GT(slower.host_s, usual.host_s);
  for (PublishedRun& run : points.runs) run.fit = false;
  EXPECT_THROW(fit(points.runs, usual), Error);
}

}  // namespace
}  // namespace moe::model
