// --format: what stdout holds for other programs, and that it holds nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "programs/started_program.h"
#include "record/json.h"
#include "record/store.h"
#include "report/bench/bench_report.h"
#include "support/json_schema.h"

namespace moe::programs {
namespace {

using support::Json;
using support::JsonSchema;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class Formats : public ProgramTest {
 protected:
  std::vector<std::string> tiny_run(const std::vector<std::string>& more) const {
    std::vector<std::string> flags = tiny({"--device", "cpu", "--tile", "8", "--no-plots"});
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
  }
  const JsonSchema schema_ = JsonSchema::load(std::string(MOE_DOCS) + "/schema/run.schema.json");
};

TEST_F(Formats, JsonIsTheRunAndNothingElse) {
  const Outcome outcome = run(tiny_run({"--format", "json", "--top-k", "1,2"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, text_of(record::find_run(file("results"), "last") / "run.json"));
  const Json json = Json::parse(outcome.out);
  EXPECT_THAT(schema_.problems(json), IsEmpty());
  EXPECT_EQ(json.at("points").size(), 2u);
  EXPECT_THAT(outcome.err, HasSubstr("# device   cpu")) << "the screen is for people";
  EXPECT_THAT(outcome.err, HasSubstr("\nagain      bench_moe_variants "));
}

TEST_F(Formats, FilesOfARunFollowTheSchema) {
  ASSERT_EQ(run(tiny_run({"--quiet"})).exit_code, 0);
  const auto folder = record::find_run(file("results"), "last");
  EXPECT_THAT(schema_.problems(Json::parse(text_of(folder / "run.json"))), IsEmpty());
  std::istringstream lines(text_of(folder / "points.jsonl"));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    EXPECT_THAT(schema_.problems(Json::parse(line), "row"), IsEmpty());
  EXPECT_EQ(count, 5);
}

TEST_F(Formats, SavedRunsAreShownInEach) {
  ASSERT_EQ(run(tiny_run({"--quiet", "--save-samples"})).exit_code, 0);
  const auto folder = record::find_run(file("results"), "last");
  const auto shown = [&](const char* format) {
    const Outcome outcome = run({"show", "--format", format});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(outcome.err, "");
    return outcome.out;
  };
  EXPECT_EQ(shown("json"), text_of(folder / "run.json"));
  EXPECT_EQ(shown("csv"), text_of(folder / "table.csv"));
  EXPECT_EQ(shown("md"), text_of(folder / "table.md"));
  const std::string lines = shown("jsonl");
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 5);
  const Json first = Json::parse(lines.substr(0, lines.find('\n')));
  EXPECT_THAT(schema_.problems(first, "row"), IsEmpty());
  EXPECT_EQ(first.at("speedup"), 1.0) << "known at last, unlike in points.jsonl";
  const std::string samples = text_of(folder / "samples.csv");
  EXPECT_THAT(samples, StartsWith("variant,sample,forward_s,backward_s,total_s\nvanilla,0,"));
  EXPECT_EQ(std::count(samples.begin(), samples.end(), '\n'), 1 + 5 * 3);
}

TEST_F(Formats, QuietLeavesTheFormatAlone) {
  const Outcome outcome = run(tiny_run({"--quiet", "--format", "csv"}));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out, StartsWith("variant,status,"));
}

TEST_F(Formats, ConfigurationsAreTextOrJson) {
  const Outcome outcome = run({"show", "mixtral-8x7b", "--format", "json"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(schema_.problems(Json::parse(outcome.out), "model"), IsEmpty());
  const Outcome refused = run({"show", "mixtral-8x7b", "--format", "csv"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, StartsWith("error: a configuration is shown as text or json"));
}

}  // namespace
}  // namespace moe::programs
