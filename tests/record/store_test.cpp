// Run folders: points are on disk at once, runs are found again, interrupted ones too.
#include "record/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moe/error.h"
#include "record/files.h"
#include "record/json.h"
#include "record/scratch_folder.h"

namespace moe::record {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::MatchesRegex;

Row row_named(const std::string& variant) {
  Row row;
  row.variant = variant;
  return row;
}

Run run_named(const std::string& id) {
  Run run;
  run.id = id;
  return run;
}

RunStore store_run(const fs::path& out, const std::string& id) {
  RunStore store(out, id);
  store.write_run(run_named(id));
  return store;
}

std::string refusal(const fs::path& out, const std::string& name) {
  try {
    find_run(out, name);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return "";
}

TEST(Store, RunIdsCarryTheTime) {
  const auto time = std::chrono::system_clock::from_time_t(1795407127);
  EXPECT_THAT(new_run_id(time), MatchesRegex("2026-11-23T04-12-07Z-[0-9a-f]{4}"));
}

TEST(Store, PointsAreOnDiskAsSoonAsTheyAreAppended) {
  const ScratchFolder out;
  const RunStore store(out.path(), "run");
  store.append_point(row_named("vanilla"));
  const fs::path file = store.folder() / "points.jsonl";
  EXPECT_EQ(read_file(file), to_json(row_named("vanilla")) + "\n");
  store.append_point(row_named("sonic"));
  EXPECT_EQ(read_file(file),
            to_json(row_named("vanilla")) + "\n" + to_json(row_named("sonic")) + "\n");
}

TEST(Store, WritesARunThatLoadsAgain) {
  const ScratchFolder out;
  const RunStore store = store_run(out.path(), "run");
  auto run = run_named("run");
  run.rows = {row_named("vanilla")};
  store.write_run(run);
  EXPECT_EQ(to_json(load_run(store.folder())), to_json(run));
}

TEST(Store, AnInterruptedRunLoadsItsFinishedPoints) {
  const ScratchFolder out;
  const RunStore store = store_run(out.path(), "run");
  store.append_point(row_named("vanilla"));
  store.append_point(row_named("sonic"));
  const fs::path file = store.folder() / "points.jsonl";
  write_file(file, read_file(file) + R"({"variant": "cut o)");
  const auto run = load_run(store.folder());
  ASSERT_EQ(run.rows.size(), 2u);
  EXPECT_EQ(run.rows[1].variant, "sonic");
}

TEST(Store, AnInterruptedSweepLoadsPointAfterPointWithItsSpeedUps) {
  const ScratchFolder out;
  const RunStore store(out.path(), "run");
  auto run = run_named("run");
  run.baseline = "vanilla";
  run.points.resize(2);
  store.write_run(run);
  for (const auto& [variant, point, seconds] : std::vector<std::tuple<std::string, int, double>>{
           {"sonic", 1, 2}, {"sonic", 0, 1}, {"vanilla", 1, 8}}) {
    Row row = row_named(variant);
    row.point = point;
    row.executed_pairs = 1;
    row.total = Timing{{seconds}, seconds, seconds, seconds, seconds, seconds, std::nullopt};
    store.append_point(row);
  }
  const auto loaded = load_run(store.folder());
  ASSERT_EQ(loaded.rows.size(), 3u);
  EXPECT_EQ(loaded.rows[0].point, 0);
  EXPECT_EQ(loaded.rows[0].speedup, std::nullopt) << "its baseline has no time yet";
  EXPECT_EQ(loaded.rows[1].speedup, 4.0);
}

TEST(Store, ABrokenPointIsNamedByItsLine) {
  const ScratchFolder out;
  const RunStore store = store_run(out.path(), "run");
  store.append_point(row_named("vanilla"));
  append_line(store.folder() / "points.jsonl", "{broken}");
  try {
    load_run(store.folder());
    FAIL() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("points.jsonl:2"));
  }
}

TEST(Store, TheSameRunIsNotWrittenTwice) {
  const ScratchFolder out;
  store_run(out.path(), "run");
  try {
    RunStore(out.path(), "run");
    FAIL() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::output);
    EXPECT_THAT(error.what(), HasSubstr("exists already"));
  }
}

TEST(Store, ReopeningCutsOffATornLineAndLeftovers) {
  const ScratchFolder out;
  const fs::path folder = out.path() / "runs" / "run";
  {
    const RunStore store = store_run(out.path(), "run");
    store.append_point(row_named("vanilla"));
    append_line(folder / "run.json.tmp12345", "half");
  }
  write_file(folder / "points.jsonl", read_file(folder / "points.jsonl") + R"({"variant": "cut o)");
  const RunStore store = RunStore::reopen(folder);
  store.append_point(row_named("sonic"));
  ASSERT_EQ(store.points().size(), 2u);
  EXPECT_EQ(store.points()[0].variant, "vanilla");
  EXPECT_EQ(store.points()[1].variant, "sonic");
  EXPECT_FALSE(fs::exists(folder / "run.json.tmp12345"));
  EXPECT_TRUE(fs::exists(folder / "run.json"));
}

TEST(Store, ARunHasOneWriter) {
  const ScratchFolder out;
  {
    const RunStore store = store_run(out.path(), "run");
    try {
      RunStore::reopen(store.folder());
      ADD_FAILURE() << "no error was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_THAT(error.what(), HasSubstr("is being written by another process"));
    }
  }
  RunStore::reopen(out.path() / "runs" / "run");
}

TEST(Store, FindsRunsByLastIdFolderAndFile) {
  const ScratchFolder out;
  const fs::path older = store_run(out.path(), "2026-11-23T04-12-07Z-ffff").folder();
  const fs::path newer = store_run(out.path(), "2026-11-23T04-12-08Z-0000").folder();
  fs::create_directory(out.path() / "runs" / "2027-not-a-run");
  EXPECT_EQ(find_run(out.path(), "last"), newer);
  EXPECT_EQ(find_run(out.path(), "2026-11-23T04-12-07Z-ffff"), older);
  EXPECT_EQ(find_run("elsewhere", older.string()), older);
  EXPECT_EQ(find_run("elsewhere", (older / "run.json").string()), older);
}

TEST(Store, CountsBackFromTheNewestRun) {
  const ScratchFolder out;
  std::vector<fs::path> folders;  // oldest first
  for (const char* id : {"2026-11-23T04-12-07Z-ffff", "2026-11-23T04-12-08Z-0000", "2026-12-01"}) {
    folders.push_back(store_run(out.path(), id).folder());
  }
  EXPECT_EQ(find_run(out.path(), "last~0"), folders[2]);
  EXPECT_EQ(find_run(out.path(), "last~1"), folders[1]);
  EXPECT_EQ(find_run(out.path(), "last~2"), folders[0]);
  for (const char* none : {"last~3", "last~", "last~-1", "last~1x", "last~99999999999999999999"}) {
    EXPECT_THAT(refusal(out.path(), none), HasSubstr("newest first: 2026-12-01")) << none;
  }
}

TEST(Store, ABadNameListsWhatExists) {
  const ScratchFolder out;
  EXPECT_THAT(refusal(out.path(), "last"), HasSubstr("there is none in"));
  for (int i = 0; i < 7; ++i) store_run(out.path(), "run-" + std::to_string(i));
  EXPECT_THAT(refusal(out.path(), "lost"),
              HasSubstr("newest first: run-6, run-5, run-4, run-3, run-2, and 2 older"));
}

}  // namespace
}  // namespace moe::record
