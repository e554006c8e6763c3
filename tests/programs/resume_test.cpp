// --resume: killed at any moment, a run loses no finished row, leaves no file half written, and
// goes on without measuring anything twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <sstream>

#include "programs/started_program.h"
#include "record/json.h"
#include "record/store.h"

namespace moe::programs {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Resume : public ProgramTest {
 protected:
  /// Thirty points of two rows each, no point of which takes long.
  const std::vector<std::string> sweep_ = {
      "--device",   "cpu",        "--hidden-dim",  "32",     "--ffn-dim", "16",     "--tokens",
      "16:480:+16", "--variants", "vanilla,sonic", "--tile", "8",         "--fast", "--no-plots"};
  static constexpr std::size_t kRows = 60;

  fs::path folder() const { return record::find_run(file("results"), "last"); }
  std::string points() const { return text_of(folder() / "points.jsonl"); }

  /// Starts the sweep and kills it as soon as there is a run to resume.
  void begin_and_kill() const {
    StartedProgram program(scratch_.path(), sweep_);
    ASSERT_TRUE(program.wait_for_progress("point 1/30: vanilla: check ok"));
    program.send(SIGKILL);
    EXPECT_EQ(program.finish().exit_code, 128 + SIGKILL);
  }

  Outcome refused(std::vector<std::string> more) const {
    std::vector<std::string> arguments = sweep_;
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 2);
    return outcome;
  }
};

std::string whole_lines(const std::string& text) {
  return text.substr(0, text.rfind('\n') + 1);
}

std::size_t num_lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// Every file is whole: JSON parses, tables end with their last line.
void expect_whole_files(const fs::path& folder) {
  EXPECT_NO_THROW(record::load_run(folder));
  for (const char* name : {"table.md", "table.csv"}) {
    const std::string text = fs::exists(folder / name) ? text_of(folder / name) : "\n";
    EXPECT_TRUE(text.ends_with('\n')) << name;
  }
}

TEST_F(Resume, KilledAtManyMomentsLosesNothingAndMeasuresNothingTwice) {
  begin_and_kill();
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> milliseconds(0, 40), new_rows(0, 3), which(0, 2);
  const int signals[] = {SIGKILL, SIGTERM, SIGINT};
  std::string kept = whole_lines(points());
  // A few kills more once all rows are there: while tables are written.
  for (int kill = 0, late_kills = 0; late_kills < 5; ++kill) {
    ASSERT_LT(kill, 200) << "no progress";
    if (num_lines(kept) == kRows) ++late_kills;
    StartedProgram program(scratch_.path(), {"--resume", "last", "--no-plots"});
    const std::size_t enough = num_lines(kept) + static_cast<std::size_t>(new_rows(random));
    program.wait_until_ended_or([&] { return num_lines(points()) >= enough; });
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds(random)));
    program.send(signals[which(random)]);
    program.finish();
    const std::string now = whole_lines(points());
    ASSERT_TRUE(now.starts_with(kept)) << "a finished row was lost or changed by kill " << kill;
    kept = now;
    expect_whole_files(folder());
  }
  const Outcome outcome = run({"--resume", "last", "--no-plots"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  ASSERT_TRUE(points().starts_with(kept));

  std::map<std::pair<std::int64_t, std::string>, int> measured;
  std::istringstream lines(points());
  for (std::string line; std::getline(lines, line);) {
    const record::Row row = record::row_from_json(line, "points.jsonl");
    ++measured[{row.point, row.variant}];
  }
  EXPECT_EQ(measured.size(), kRows);
  for (const auto& [row, times] : measured) EXPECT_EQ(times, 1) << row.first << row.second;
  const record::Run whole = record::load_run(folder());
  ASSERT_EQ(whole.rows.size(), kRows);
  for (const record::Row& row : whole.rows) EXPECT_TRUE(row.speedup.has_value()) << row.variant;
  for (const auto& entry : fs::directory_iterator(folder())) {
    EXPECT_FALSE(entry.path().extension().string().starts_with(".tmp")) << entry.path();
  }
}

TEST_F(Resume, OfAFinishedRunMeasuresNothing) {
  EXPECT_EQ(run(tiny({"--device", "cpu", "--tile", "8", "--no-plots"})).exit_code, 0);
  const std::string before = points(), id = folder().filename();
  const Outcome alone = run({"--resume", id, "--no-plots"});
  EXPECT_EQ(alone.exit_code, 0) << alone.err;
  EXPECT_EQ(points(), before);
  EXPECT_THAT(alone.out, HasSubstr("sonic+rounding"));
  const Outcome repeated =
      run(tiny({"--device", "cpu", "--tile", "8", "--no-plots", "--resume", "last"}));
  EXPECT_EQ(repeated.exit_code, 0) << "the same flags are the same request";
  EXPECT_EQ(points(), before);
  EXPECT_EQ(folder().filename(), id) << "no new run was begun";
}

TEST_F(Resume, RefusesAnotherRequest) {
  begin_and_kill();
  const std::string before = points();
  EXPECT_THAT(refused({"--resume", "last", "--seed", "7"}).err,
              HasSubstr("the run to resume is another one: --seed was 42 and is 7"));
  EXPECT_THAT(refused({"--resume", "last", "--mode", "forward"}).err,
              HasSubstr("--mode was forward_backward and is forward"));
  EXPECT_THAT(refused({"--resume", "last", "--filter", "tokens>16"}).err,
              HasSubstr("the number of points was 30 and is 29"));
  EXPECT_THAT(refused({"--resume", "last", "--top-k", "1"}).err,
              HasSubstr("top_k of point 1 was 2 and is 1"));
  EXPECT_THAT(refused({"--resume", "last", "--up-layout", "interleaved"}).err,
              HasSubstr("up_layout of point 1 was concatenated and is interleaved"));
  EXPECT_THAT(refused({"--resume", "last", "--routing", "hot:2"}).err,
              HasSubstr("--routing of point 1 was natural and is hot:2"));
  EXPECT_THAT(refused({"--resume", "lost"}).err, HasSubstr("no run 'lost'"));
  EXPECT_EQ(points(), before);
}

TEST_F(Resume, WaitsForNobodyWhoStillWrites) {
  StartedProgram program(
      scratch_.path(), {"--device", "cpu", "--hidden-dim", "128", "--tokens", "512", "--max-noise",
                        "0", "--max-samples", "100000", "--no-plots"});
  ASSERT_TRUE(program.wait_for_progress("round 1 done"));
  const Outcome second = run({"--resume", "last"});
  EXPECT_EQ(second.exit_code, 2);
  EXPECT_THAT(second.err, HasSubstr("is being written by another process"));
  program.send(SIGINT);
  const Outcome first = program.finish();
  EXPECT_EQ(first.exit_code, 130) << first.err;
}

}  // namespace
}  // namespace moe::programs
