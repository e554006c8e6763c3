// `compare`: what it prints, refuses and returns.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "programs/started_program.h"
#include "record/store.h"
#include "report/fixture.h"
#include "support/json_schema.h"

namespace moe::programs {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class Compare : public ProgramTest {
 protected:
  void SetUp() override {
    before_ = report::small_run();
    record::RunStore(file("results"), before_.id).write_run(before_);
  }

  /// A later run: the same samples, with those of sonic `times` as long.
  void add_run(double times, const std::function<void(record::Run&)>& change = nullptr) const {
    record::Run run = before_;
    run.id = "9999-later";
    run.rows[3] = report::row_of("sonic", 1.25 * times, 2.45 * times, 148);
    if (change) change(run);
    record::RunStore(file("results"), run.id).write_run(run);
  }

  record::Run before_;
};

TEST_F(Compare, WithoutNamesIsTheLastRunAgainstTheOneBefore) {
  add_run(4);
  const Outcome outcome = run({"compare"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("# A        " + before_.id));
  EXPECT_THAT(outcome.out, HasSubstr("\n# B        9999-later"));
  EXPECT_THAT(outcome.out, HasSubstr("\n# differs  nothing in the environment\n"));
  EXPECT_THAT(outcome.out, testing::ContainsRegex("\nsonic .* 100 %  slower\n"));
  EXPECT_THAT(outcome.out, testing::ContainsRegex("\nvanilla .* 50 %  (same|unclear)"));
  EXPECT_THAT(outcome.out, HasSubstr("0 faster, 1 slower, "));
  const Outcome reversed = run({"compare", "last", "last~1", "--each-pass"});
  EXPECT_THAT(reversed.out, testing::ContainsRegex("\nsonic .* 0 %  faster\n"));
  EXPECT_THAT(reversed.out, HasSubstr("\nsonic backward "));
}

TEST_F(Compare, TwoRealRunsMeet) {
  for (int i = 0; i < 2; ++i) {
    const Outcome outcome = run(tiny({"--device", "cpu", "--no-plots", "--tile", "8"}));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  }
  const Outcome outcome = run({"compare"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("0 faster, 0 slower, 0 same, 5 unclear; "))
      << "three samples prove nothing";
}

TEST_F(Compare, ARegressionBeyondTheLimitIsExit4) {
  add_run(4);
  const Outcome outcome = run({"compare", "--fail-on-regression", "3%"});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_THAT(outcome.out, HasSubstr("slower"));
  EXPECT_THAT(outcome.err, StartsWith("error: B is worse than --fail-on-regression allows: sonic "
                                      "total +300.0 %"));
  EXPECT_EQ(run({"compare", "last", "last~1", "--fail-on-regression", "3%"}).exit_code, 0)
      << "faster is no regression";
}

TEST_F(Compare, APointThatLostItsTimeIsARegression) {
  add_run(1, [](record::Run& run) {
    run.rows[0].status = record::Status::failed;
    run.rows[0].reason = "out differs from the truth";
    run.rows[0].total.reset();
  });
  const Outcome outcome = run({"compare", "--fail-on-regression", "50%"});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_THAT(outcome.out, HasSubstr("\nlost: vanilla: in B failed, out differs from the truth\n"));
}

TEST_F(Compare, RefusesRunsThatAreNotOfTheSameThing) {
  add_run(1, [](record::Run& run) {
    run.model.layer.ffn_dim = 48;
    run.environment.device_name = "another";
  });
  const Outcome outcome = run({"compare"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, StartsWith("error: the runs are not of the same thing: ffn_dim 4096 "
                                      "and 48; device_name "));
  EXPECT_THAT(outcome.err, HasSubstr("\n  --force compares them all the same\n"));
  const Outcome forced = run({"compare", "--force"});
  EXPECT_EQ(forced.exit_code, 0);
  EXPECT_THAT(forced.out, HasSubstr("\n! not the same ffn_dim: 4096 and 48\n"));
}

TEST_F(Compare, RefusesRunsWithoutACommonPoint) {
  add_run(1, [](record::Run& run) { run.rows.clear(); });
  const Outcome outcome = run({"compare"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, StartsWith("error: there is nothing to compare: no variant has a time "
                                      "in both "));
}

TEST_F(Compare, FormatsAreAllThatStdoutHolds) {
  add_run(4);
  const auto printed = [&](const char* format) {
    const Outcome outcome = run({"compare", "--format", format});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(outcome.err, "");
    return outcome.out;
  };
  using support::Json;
  const auto schema =
      support::JsonSchema::load(std::string(MOE_DOCS) + "/schema/compare.schema.json");
  const Json json = Json::parse(printed("json"));
  EXPECT_THAT(schema.problems(json), IsEmpty());
  EXPECT_EQ(json.at("points").at(3).at("verdict"), "slower");
  const std::string lines = printed("jsonl");
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 5);
  EXPECT_THAT(schema.problems(Json::parse(lines.substr(0, lines.find('\n'))), "point"), IsEmpty());
  EXPECT_THAT(printed("csv"), StartsWith("point,pass,a_median_s,"));
  EXPECT_THAT(printed("md"), HasSubstr("\n| sonic | "));
}

TEST_F(Compare, ColourIsForTerminalsUnlessToldOtherwise) {
  add_run(4);
  EXPECT_THAT(run({"compare"}).out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(run({"compare", "--color", "always"}).out, HasSubstr("\x1b[31mslower\x1b[0m"));
  ::setenv("CLICOLOR_FORCE", "1", 1);
  EXPECT_THAT(run({"compare"}).out, HasSubstr("\x1b[31mslower\x1b[0m"));
  EXPECT_THAT(run({"compare", "--color", "never"}).out, Not(HasSubstr("\x1b")));
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_THAT(run({"compare"}).out, Not(HasSubstr("\x1b"))) << "who wants none has the last word";
  ::unsetenv("NO_COLOR");
  ::unsetenv("CLICOLOR_FORCE");
}

TEST_F(Compare, BadNumbersAreRefused) {
  for (const char* bad : {"3", "-1%", "101%", "x", "3 percent", ""}) {
    const Outcome outcome = run({"compare", "--threshold", bad});
    EXPECT_EQ(outcome.exit_code, 2) << bad;
    EXPECT_THAT(outcome.err, HasSubstr("write it as 3% or 0.03")) << bad;
  }
  EXPECT_THAT(run({"compare", "--format", "xml"}).err,
              HasSubstr("known: csv, json, jsonl, md, text"));
}

}  // namespace
}  // namespace moe::programs
