// Screens as a user sees them, with times and machine masked. After a wanted change:
// MOE_UPDATE_GOLDEN=1 build/bin/test_programs --gtest_filter='Screen*' rewrites golden/.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>
#include <sstream>

#include "programs/started_program.h"

namespace moe::programs {
namespace {

using testing::HasSubstr;

std::string replaced(const std::string& text, const char* pattern, const char* with) {
  return std::regex_replace(text, std::regex(pattern), with);
}

/// A row of figures keeps its name and its columns, not the figures; widths follow from the
/// figures.
std::string masked_row(std::string line) {
  const std::size_t name = line.find(' ');
  std::string rest = replaced(line.substr(name), "[0-9][0-9.,]*", "#");
  rest = replaced(rest, "#\\*|# [kM%](?= )", "#");
  return line.substr(0, name) + replaced(rest, " +", " ");
}

std::string masked_line(const std::string& line) {
  if (std::regex_search(line, std::regex("^# (bench_moe_variants|device|ceiling|memory)"))) {
    return replaced(line, "^(# [a-z_]+).*", "$1 #");
  }
  if (line.starts_with("variant  ") || line.starts_with("total ")) {
    const std::string timeless = replaced(line, " (us|ms|s)\\b", " TIME");
    return replaced(replaced(timeless, "[MGT]FLOP", "FLOP"), " +", " ");
  }
  if (std::regex_search(line, std::regex("^[a-z_+]+ +[0-9]")) && line.find("again") != 0)
    return masked_row(line);
  if (line.starts_with("num_experts=8 ")) return "num_experts=8 # of a sweep";
  return replaced(line, "^(An indication only, with 3 samples where 10 are wanted: ).*", "$1#");
}

/// Without what differs from run to run and from machine to machine.
std::string masked(const std::string& screen) {
  std::istringstream lines(screen);
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    const bool sometimes = line.starts_with("*: above the measured ceiling") ||
                           (line.starts_with("wrote ") && line.ends_with(".png"));
    if (!sometimes) text += masked_line(line) + "\n";
  }
  return replaced(text, "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9-]+Z-[0-9a-f]{4}", "RUN");
}

void expect_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path file = std::filesystem::path(MOE_TEST_DATA) / "golden" / name;
  if (std::getenv("MOE_UPDATE_GOLDEN") != nullptr) write_text(file, text);
  EXPECT_EQ(text, text_of(file)) << "differs from " << file;
}

class Screen : public ProgramTest {};

TEST_F(Screen, OfARun) {
  const Outcome outcome =
      run(tiny({"--device", "cpu", "--threads", "2", "--tile", "8", "--no-plots"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_golden("run.txt", masked(outcome.out));
}

TEST_F(Screen, OfASweep) {
  const Outcome outcome =
      run(tiny({"--device", "cpu", "--threads", "2", "--tile", "8", "--no-plots", "--variants",
                "vanilla,sonic,sonic+rounding", "--num-experts", "1,8"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_golden("sweep.txt", masked(outcome.out));
}

TEST_F(Screen, OfADryRunThatWritesNothing) {
  const Outcome outcome =
      run(tiny({"--device", "cpu", "--threads", "2", "--dry-run", "--dump-tensors", "dump"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_golden("dry_run.txt", masked(outcome.out));
  EXPECT_FALSE(std::filesystem::exists(file("results")));
  EXPECT_FALSE(std::filesystem::exists(file("dump")));
}

TEST_F(Screen, OfLists) {
  const Outcome all = run({"list"});
  EXPECT_EQ(all.exit_code, 0);
  std::string topics;
  for (const char* topic : {"configs", "variants", "devices", "routings"}) {
    const Outcome one = run({"list", topic});
    EXPECT_EQ(one.exit_code, 0) << topic;
    topics += (topics.empty() ? "" : "\n") + std::string(topic) + "\n\n" + one.out;
  }
  EXPECT_EQ(all.out, topics);
  for (const char* word :
       {"small ", "deepseek-v3, deepseek-r1", "sonic-120b-n2048", "grouped_gemm", "zipf:S"}) {
    EXPECT_THAT(all.out, HasSubstr(word));
  }
}

TEST_F(Screen, OfTheLargeConfiguration) {
  const Outcome outcome = run({"show", "large"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("DeepSeek-V3.2-Exp's own ffn_dim is 2048"));
  expect_golden("show_large.txt", outcome.out);
}

TEST_F(Screen, OfHelpNamesEveryFlagAndCommand) {
  const Outcome outcome = run({"--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  for (const char* word :
       {"run",           "list",          "show",          "plot",           "--config",
        "--num-experts", "--hidden-dim",  "--ffn-dim",     "--top-k",        "--batch-size",
        "--seq-len",     "--tokens",      "--filter",      "--resume",       "--activation",
        "--dtype",       "--tile",        "--rounding",    "--variants",     "--baseline",
        "--mode",        "--routing",     "--seed",        "--device",       "--threads",
        "--check",       "--min-samples", "--max-samples", "--max-noise",    "--max-time",
        "--fast",        "--dry-run",     "--out",         "--dump-tensors", "--dump-limit",
        "--no-plots",    "--quiet",       "--strict",      "--version",      "--help"}) {
    EXPECT_THAT(outcome.out, HasSubstr(word));
  }
  EXPECT_EQ(run({"run", "--help"}).exit_code, 0);
  const Outcome version = run({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.out, testing::ContainsRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

}  // namespace
}  // namespace moe::programs
