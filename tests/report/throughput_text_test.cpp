// Screens, files and the plot of throughput.
#include "report/throughput/throughput_text.h"

#include <gmock/gmock.h>

#include "config/load.h"
#include "model/published/shipped.h"
#include "report/text/format.h"
#include "report/throughput/throughput_files.h"
#include "report/throughput/validation_text.h"

namespace moe::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

model::EstimateRequest request_of(const char* config) {
  model::EstimateRequest request;
  request.training.model = request.serving.model = config::load_config(config);
  request.training.gpu = request.serving.gpu = model::gpu_preset("h100");
  request.training.network = request.serving.network =
      make_network(request.training.gpu, model::usual_infiniband(request.training.gpu));
  request.variants = {"grouped_gemm", "sonic"};
  request.baseline = "grouped_gemm";
  request.gpus = {8};
  request.scaling = {8, 64, 256, 512};
  return request;
}

TEST(ThroughputTables, SayThatDeepSeekV3DoesNotFitAndHowManyWould) {
  const model::EstimateRequest request = request_of("deepseek-v3");
  const std::string text = throughput_tables(request, estimate(request));
  EXPECT_THAT(text, HasSubstr("one MoE layer, forward and backward; 8 h100"));
  EXPECT_THAT(text, HasSubstr("all 58 MoE layers"));
  EXPECT_THAT(text, HasSubstr("sonic         does not fit: the smallest plan needs"));
  EXPECT_THAT(text, HasSubstr("fewest h100 that hold it: "));
  EXPECT_THAT(text, HasSubstr("modelled"));
  EXPECT_THAT(text, HasSubstr("scaling of the whole model, sonic (modelled)"));
}

TEST(ThroughputHeader, StatesItsAssumptions) {
  const std::string text = throughput_header(request_of("deepseek-v3"));
  EXPECT_THAT(text, HasSubstr("1.00 T tokens in all, 3.50 USD per GPU-hour"));
  EXPECT_THAT(text, HasSubstr("671 B parameters"));
  EXPECT_THAT(throughput_header(request_of("medium")), HasSubstr("layers alone"));
}

TEST(ThroughputDocument, HoldsEveryRowAndFactor) {
  const model::EstimateRequest request = request_of("qwen3-30b-a3b");
  const model::Estimate result = estimate(request);
  const record::Document document =
      throughput_document({{"id", std::string("x")}}, request, result);
  EXPECT_EQ(document.head.front().first, "id");
  EXPECT_EQ(document.lists[0].second.size(), result.rows.size());
  EXPECT_EQ(document.lists[1].second.size(), 4u);
  EXPECT_EQ(document.lists[2].second.size(), model::factor_rules().size());
  const std::string csv = throughput_csv(result);
  EXPECT_THAT(csv, HasSubstr("scope,variant,gpus,basis,layer_basis"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'),
            static_cast<long>(1 + result.rows.size() + 4));
}

TEST(ScalingPlot, DrawsWhatFitsAndMarksWhatIsNotModelled) {
  const model::EstimateRequest request = request_of("deepseek-v3");
  const auto plot = scaling_plot({"title", "shape", "device", "origin"}, estimate(request),
                                 {{1024, 1.3e6, "a run"}});
  ASSERT_TRUE(plot);
  EXPECT_EQ(plot->name, "throughput_scaling");
  EXPECT_THAT(plot->data, HasSubstr("\n256 "));
  EXPECT_THAT(plot->data, Not(HasSubstr("\n8 ")));
  EXPECT_THAT(plot->data, HasSubstr("1024 1.3e+06 \"a run\""));
  EXPECT_THAT(plot->script, HasSubstr("ideal"));
}

TEST(ScalingPlot, DrawsWhatWasMeasuredInABlockOfItsOwn) {
  model::EstimateRequest request = request_of("qwen3-30b-a3b");
  const std::int64_t tokens = request.training.model.tokens();
  request.measured["sonic"] = {{10e-3, 20e-3, model::Origin::measured}, tokens};
  const model::Estimate estimate = model::estimate(request);
  const std::vector<SolidPoint> points = measured_points(estimate);
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].gpus, 1);
  EXPECT_NEAR(points[0].tokens_per_s, static_cast<double>(tokens) / 30e-3 / 48, 1e-6);
  const auto alone = scaling_plot({}, estimate, points);
  EXPECT_THAT(alone->data, HasSubstr("name, measured\n1 "));
  EXPECT_THAT(alone->data, Not(HasSubstr("published")));
  EXPECT_THAT(alone->script, HasSubstr("data index 2 using 1:2 with points pt 7"));
  EXPECT_THAT(alone->script, HasSubstr("'measured'"));
  EXPECT_THAT(alone->script, Not(HasSubstr("'published'")));
  std::vector<SolidPoint> both = points;
  both.push_back({64, 1e6, "a run"});
  const auto plot = scaling_plot({}, estimate, both);
  EXPECT_THAT(plot->script, HasSubstr("data index 2 using 1:2 with points pt 5"));
  EXPECT_THAT(plot->script, HasSubstr("data index 3 using 1:2 with points pt 7"));
}

TEST(MeasuredPoints, AreNoneOfAModelAlone) {
  EXPECT_TRUE(measured_points(model::estimate(request_of("qwen3-30b-a3b"))).empty());
}

TEST(MeasuredPoints, OfOneLayerAreTheLayer) {
  model::EstimateRequest request = request_of("medium");
  const std::int64_t tokens = request.training.model.tokens();
  request.measured["sonic"] = {{50e-3, 100e-3, model::Origin::measured}, tokens};
  const std::vector<SolidPoint> points = measured_points(model::estimate(request));
  ASSERT_EQ(points.size(), 1u);
  EXPECT_NEAR(points[0].tokens_per_s, static_cast<double>(tokens) / 150e-3, 1e-6);
}

TEST(ThroughputTables, SayWhatStandsOnAMeasuredLayer) {
  model::EstimateRequest request = request_of("qwen3-30b-a3b");
  request.measured["sonic"] = {{10e-3, 20e-3, model::Origin::measured},
                               request.training.model.tokens()};
  const model::Estimate result = estimate(request);
  const std::string text = throughput_tables(request, result);
  EXPECT_THAT(text, HasSubstr("-  measured\n")) << "nothing is saved against a modelled baseline";
  EXPECT_THAT(text, HasSubstr("modelled, layer measured\n"));
  EXPECT_THAT(text, HasSubstr("scaling of the whole model, sonic (modelled, layer measured)"));
  EXPECT_THAT(throughput_csv(result), HasSubstr("layer,sonic,8,measured,measured,"));
  EXPECT_THAT(throughput_csv(result), HasSubstr("model,sonic,8,modelled,measured,"));
}

TEST(ScalingPlot, IsNothingWithoutAPointThatFits) {
  model::EstimateRequest request = request_of("deepseek-v3");
  request.scaling = {8};
  EXPECT_FALSE(scaling_plot({}, estimate(request), {}));
}

TEST(ValidationText, ShowsErrorsAndCountsThem) {
  const auto points = model::read_published_points(
      config::parse_toml_table(model::published_points_toml(), "points"));
  const model::FactorRange factors = model::default_factors();
  const std::string text = validation_text(validate(points, factors), factors.base);
  EXPECT_THAT(text, HasSubstr("DeepSeek-V3, 2048 H800"));
  EXPECT_THAT(text, HasSubstr("fitted"));
  EXPECT_THAT(text, HasSubstr("of 15 points within 15 % (wanted: 8)"));
}

TEST(TableCheckText, NamesEveryTableAndCounts) {
  const std::string text = table_check_text(
      model::check_table(config::parse_toml_table(model::expected_results_toml(), "expected")));
  EXPECT_THAT(text, HasSubstr("DeepSeek-V3.2-Exp on 8 H100\n"));
  EXPECT_THAT(text, HasSubstr("CONTRADICTION  baseline, gpu_days -> gpu_hours"));
  EXPECT_THAT(text, HasSubstr("IMPOSSIBLE     vanilla, time"));
  EXPECT_THAT(text, HasSubstr("findings:"));
}

TEST(FactorsText, ListsEveryFactorWithItsSource) {
  const std::string text = factors_text();
  for (const model::FactorRule& rule : model::factor_rules()) {
    EXPECT_THAT(text, HasSubstr(std::string(rule.name)));
    EXPECT_THAT(text, HasSubstr(std::string(rule.source)));
  }
}

TEST(FormatAmount, CountsInThousandsToTrillions) {
  EXPECT_EQ(format_amount(271e9), "271 B");
  EXPECT_EQ(format_amount(2.69e6), "2.69 M");
  EXPECT_EQ(format_amount(14.8e12), "14.8 T");
  EXPECT_EQ(format_amount(987), "987");
}

}  // namespace
}  // namespace moe::report
