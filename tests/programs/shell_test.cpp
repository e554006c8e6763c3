// Values that bash offers for bench_moe_variants; shell_pages_test.cpp has what holds for every
// program.
#include <gmock/gmock.h>

#include "programs/shell_fixture.h"

namespace moe::programs {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST_F(Shell, BashOffersCommands) {
  EXPECT_THAT(offered({"co"}), ElementsAre("compare", "convert", "completion"));
  EXPECT_THAT(offered({"compare", "--"}), Not(Contains("--tokens")));
}

TEST_F(Shell, BashOffersValues) {
  EXPECT_THAT(offered({"--mode", ""}), ElementsAre("forward", "forward_backward"));
  EXPECT_THAT(offered({"run", "--check", "q"}), ElementsAre("quick"));
  EXPECT_THAT(offered({"--routing", ""}),
              ElementsAre("natural", "balanced", "zipf:", "hot:", "trace:"));
  EXPECT_THAT(offered({"--device", "c"}), ElementsAre("cpu", "cuda"));
  EXPECT_THAT(offered({"--config", "deepseek-v3"}), Contains("deepseek-v3"));
  EXPECT_THAT(offered({"--format", "=", "js"}), ElementsAre("json", "jsonl"));
  EXPECT_THAT(offered({"--variants", "vanilla,son"}),
              ElementsAre("vanilla,sonic", "vanilla,sonic+rounding"));
  EXPECT_THAT(offered({"list", "v"}), ElementsAre("variants"));
  EXPECT_THAT(offered({"completion", ""}), ElementsAre("bash", "zsh"));
}

TEST_F(Shell, BashOffersSavedRunsAndFiles) {
  std::filesystem::create_directories(file("results/runs/2026-11-23T04-12-07Z-7f3a"));
  std::filesystem::create_directories(file("elsewhere/runs/other"));
  EXPECT_THAT(offered({"show", "2026"}), ElementsAre("2026-11-23T04-12-07Z-7f3a"));
  EXPECT_THAT(offered({"compare", "last", "la"}), ElementsAre("last", "last~1"));
  EXPECT_THAT(offered({"plot", "--out", "elsewhere", "o"}), ElementsAre("other"));
  EXPECT_THAT(offered({"plot", "--out", "el"}), ElementsAre("elsewhere"));
  write_text(file("mine.toml"), "");
  EXPECT_THAT(offered({"--config", "min"}), Contains("mine.toml"));
}

TEST_F(Shell, ZshOffersValuesToo) {
  if (!has_program("zsh")) GTEST_SKIP() << "no zsh here";
  write_text(file("completion"), run({"completion", "zsh"}).out);
  const std::string flags = specified("--mode x", 3);
  EXPECT_THAT(flags, HasSubstr(":(forward forward_backward)\n"));
  EXPECT_THAT(flags, HasSubstr(":_bench_moe_variants_CONFIG\n"));
  EXPECT_THAT(specified("co", 2), HasSubstr("\ncompare:two saved runs"));
}

}  // namespace
}  // namespace moe::programs
