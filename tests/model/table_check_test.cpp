// The published tables, judged; and small tables that are right or wrong on purpose.
#include "model/published/table_check.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "model/published/shipped.h"
#include "moe/error.h"

namespace moe::model {
namespace {

using ::testing::HasSubstr;

TableCheck check_text(std::string_view text) {
  return check_table(config::parse_toml_table(text, "table.toml"));
}

Finding finding(const TableCheck& check, const std::string& column, const std::string& entry) {
  const auto found = std::find_if(
      check.findings.begin(), check.findings.end(),
      [&](const Finding& finding) { return finding.column == column && finding.entry == entry; });
  EXPECT_NE(found, check.findings.end()) << column << ": " << entry;
  return found == check.findings.end() ? Finding{} : *found;
}

TEST(ShippedTables, DaysFollowFromTokensPerDayButNothingElseDoes) {
  const TableCheck check = check_text(expected_results_toml());
  const Finding day = finding(check, "baseline", "tokens_per_s -> tokens_per_day");
  EXPECT_EQ(day.verdict, Verdict::contradiction);
  EXPECT_THAT(day.text, HasSubstr("933"));
  EXPECT_EQ(finding(check, "baseline", "tokens_per_day -> days").verdict, Verdict::consistent);
  EXPECT_EQ(finding(check, "SonicMoE", "days -> gpu_days").verdict, Verdict::consistent);
  const Finding hours = finding(check, "SonicMoE", "gpu_days -> gpu_hours");
  EXPECT_EQ(hours.verdict, Verdict::contradiction);
  EXPECT_THAT(hours.text, HasSubstr("2.997 times too little"));
  EXPECT_EQ(finding(check, "baseline", "gpu_hours -> usd").verdict, Verdict::consistent);
}

TEST(ShippedTables, AHundredBillionTokensADayAreALayersRateAndNoModels) {
  const TableCheck check = check_text(expected_results_toml());
  const Finding model = finding(check, "baseline", "tokens_per_day, whole model");
  EXPECT_EQ(model.verdict, Verdict::impossible);
  EXPECT_THAT(model.text, HasSubstr("3219.9 %"));
  EXPECT_EQ(finding(check, "baseline", "tokens_per_day, one MoE layer").verdict,
            Verdict::plausible);
  EXPECT_EQ(finding(check, "all", "the model in memory").verdict, Verdict::impossible);
  EXPECT_THAT(finding(check, "both", "column / column").text, HasSubstr("one ratio"));
}

TEST(ShippedTables, NoLatencyIsPossible) {
  const TableCheck check = check_text(expected_results_toml());
  for (const char* row : {"vanilla", "grouped GEMM", "token rounding", "SonicMoE"}) {
    EXPECT_EQ(finding(check, row, "time").verdict, Verdict::impossible);
  }
  EXPECT_THAT(finding(check, "vanilla", "time").text, HasSubstr("125 % of the bf16 peak (188 %"));
  EXPECT_THAT(finding(check, "SonicMoE", "time").text, HasSubstr("232 %"));
}

TEST(ShippedTables, MemoryFitsTheRealModelAndNotTheCaption) {
  const TableCheck check = check_text(expected_results_toml());
  const Finding weights = finding(check, "expert weights", "14.1 GB");
  EXPECT_EQ(weights.verdict, Verdict::contradiction);
  EXPECT_THAT(weights.text, HasSubstr("two matrices per expert with ffn_dim 2048, 14.00 GiB"));
  EXPECT_THAT(finding(check, "activations, SonicMoE", "15.6 GB").text,
              HasSubstr("forward peak X + H + A + Y + out with ffn_dim 2048, 15.8"));
  EXPECT_THAT(finding(check, "buffers, baseline", "8.2 GB").text, HasSubstr("two buffers of H"));
}

constexpr const char* kGoodTable = R"(
title = "good"
[[throughput]]
name = "DeepSeek-V3"
config = "deepseek-v3"
parameters = 671e9
active_parameters = 36.7e9
gpu = "h800"
gpus = 2048
tokens_total = 14.8e12
price_per_gpu_hour = 2
[[throughput.column]]
name = "paper"
tokens_per_s = 3.16e6
tokens_per_day = 273e9
days = 54.2
gpu_hours = 2.664e6
usd = 5.328e6
)";

TEST(CheckTable, FindsNothingWrongWithDeepSeeksOwnFigures) {
  const TableCheck check = check_text(kGoodTable);
  EXPECT_FALSE(check.has_contradictions());
  EXPECT_TRUE(check_text(expected_results_toml()).has_contradictions());
}

TEST(CheckTable, RefusesFilesWithoutTablesOrWithMisspeltKeys) {
  EXPECT_THROW(check_text("title = \"nothing\"\n"), Error);
  EXPECT_THROW(check_text("title = \"x\"\n[[throughputs]]\nname = \"y\"\n"), Error);
}

}  // namespace
}  // namespace moe::model
