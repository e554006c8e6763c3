// Text on disk: whole or absent, and refusals that say why.
#include "record/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moe/error.h"
#include "record/scratch_folder.h"

namespace moe::record {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// The error that `action` throws; fails when it throws none.
template <class Action>
Error error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error was thrown";
  return Error(ErrorKind::internal, "none");
}

TEST(Files, WritingReplacesTheWholeTextAndLeavesNothingBeside) {
  const ScratchFolder folder;
  const fs::path file = folder.path() / "a.txt";
  write_file(file, "a longer first text");
  write_file(file, "short");
  EXPECT_EQ(read_file(file), "short");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(Files, FailedReplacementKeepsWhatStoodThere) {
  const ScratchFolder folder;
  fs::create_directories(folder.path() / "taken" / "inner");  // rename onto a full folder fails
  const Error error = error_of([&] { write_file(folder.path() / "taken", "text"); });
  EXPECT_EQ(error.kind(), ErrorKind::output);
  EXPECT_TRUE(fs::exists(folder.path() / "taken" / "inner"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(Files, SeveralPiecesMakeOneFile) {
  const ScratchFolder folder;
  write_file(folder.path() / "a", {"one", "", " two"});
  EXPECT_EQ(read_file(folder.path() / "a"), "one two");
}

TEST(Files, DevicesAreWrittenToAndNeverReplaced) {
  EXPECT_EQ(error_of([] { write_file("/dev/full", "text"); }).kind(), ErrorKind::output);
  write_file("/dev/null", "text");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST(Files, LinesAreAppended) {
  const ScratchFolder folder;
  append_line(folder.path() / "log", "one");
  append_line(folder.path() / "log", "two");
  EXPECT_EQ(read_file(folder.path() / "log"), "one\ntwo\n");
}

TEST(Files, CheckWritableMakesTheFolderAndLeavesItEmpty) {
  const ScratchFolder folder;
  check_writable(folder.path() / "new" / "results");
  EXPECT_TRUE(fs::is_empty(folder.path() / "new" / "results"));
}

TEST(Files, CheckWritableSaysWhyAFileInTheWayIsNoFolder) {
  const ScratchFolder folder;
  write_file(folder.path() / "results", "a file");
  const Error error = error_of([&] { check_writable(folder.path() / "results"); });
  EXPECT_EQ(error.kind(), ErrorKind::output);
  EXPECT_THAT(error.what(), HasSubstr("cannot write to"));
  EXPECT_THAT(error.what(), HasSubstr("Not a directory"));
  EXPECT_THAT(error.what(), HasSubstr("--out DIR"));
}

TEST(Files, CheckWritableRefusesAReadOnlyPlace) {
  // Root may write anywhere but into the kernel's own file systems.
  EXPECT_EQ(error_of([] { check_writable("/proc/results"); }).kind(), ErrorKind::output);
  EXPECT_EQ(error_of([] { check_writable("/proc"); }).kind(), ErrorKind::output);
}

TEST(Files, ReadingAnAbsentFileIsAUsageError) {
  const Error error = error_of([] { read_file("/nowhere/run.json"); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.what(), HasSubstr("No such file or directory"));
}

TEST(Files, ReadingAFolderIsAUsageError) {
  EXPECT_THAT(error_of([] { read_file("/tmp"); }).what(), HasSubstr("Is a directory"));
}

}  // namespace
}  // namespace moe::record
