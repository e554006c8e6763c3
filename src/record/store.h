// Where runs live on disk: <out>/runs/<id>/ with run.json (the whole run), points.jsonl (each row
// as soon as it is finished) and what reports add (table.md, table.csv, plot/).
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "record/files.h"
#include "record/record.h"

namespace moe::record {

/// "2026-11-23T04-12-07Z-7f3a": UTC, then four random digits. Ids sort by time.
std::string new_run_id(std::chrono::system_clock::time_point time);

/// The folder of one run that is being written; no other process can write to it meanwhile.
class RunStore {
 public:
  /// Makes <out>/runs/<id>/. Throws Error{output} when it cannot or when the run exists already.
  RunStore(const std::filesystem::path& out, const std::string& id);

  /// Goes on with a run: cuts off a last line that was not written whole. Throws Error{usage} while
  /// another process writes to it.
  static RunStore reopen(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }

  /// Puts one finished row on disk before it returns.
  void append_point(const Row& row) const;

  /// The rows appended so far, in that order.
  std::vector<Row> points() const;

  /// Replaces run.json at once. Call it before the first point too: with run.json and points.jsonl
  /// a run that was killed can still be shown, and resumed.
  void write_run(const Run& run) const;

 private:
  explicit RunStore(const std::filesystem::path& folder) : folder_(folder), lock_(folder) {}

  std::filesystem::path folder_;
  FolderLock lock_;
};

/// The folder of a finished or interrupted run. `name` is "last" (the newest), "last~N" (N runs
/// before it), an id, a run's folder or its run.json. Throws Error{usage} that lists the newest
/// runs when there is none of that name.
std::filesystem::path find_run(const std::filesystem::path& out, const std::string& name);

/// Reads run.json; rows of an interrupted run come from points.jsonl, without a line that was cut
/// off.
Run load_run(const std::filesystem::path& folder);

}  // namespace moe::record
