// Run folders: making, filling and finding them.
#include "record/store.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <optional>
#include <random>
#include <sstream>
#include <vector>

#include "moe/error.h"
#include "record/files.h"
#include "record/json.h"
#include "record/sweep.h"

namespace moe::record {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRunFile = "run.json";
constexpr const char* kPointsFile = "points.jsonl";

bool holds_run(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / kRunFile, ignored);
}

/// Ids under <out>/runs, oldest first.
std::vector<std::string> run_ids(const fs::path& out) {
  std::vector<std::string> ids;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(out / "runs", ignored)) {
    if (holds_run(entry.path())) ids.push_back(entry.path().filename().string());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::string newest_runs(const std::vector<std::string>& ids) {
  constexpr std::size_t kShown = 5;
  std::string text = "runs there, newest first:";
  for (std::size_t i = 0; i < std::min(kShown, ids.size()); ++i) {
    text += (i == 0 ? " " : ", ") + ids[ids.size() - 1 - i];
  }
  if (ids.size() > kShown) text += ", and " + std::to_string(ids.size() - kShown) + " older";
  return text;
}

/// How many runs before the newest `name` means: 0 for "last", N for "last~N". Nothing for other
/// names.
std::optional<std::size_t> runs_back(const std::string& name) {
  constexpr std::string_view kLast = "last";
  if (name == kLast) return 0;
  if (!name.starts_with("last~")) return std::nullopt;
  const std::string digits = name.substr(kLast.size() + 1);
  const bool is_number = !digits.empty() && digits.size() <= 9 &&
                         digits.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number) return std::nullopt;
  return std::stoul(digits);
}

fs::path new_folder(const fs::path& out, const std::string& id) {
  check_writable(out / "runs");
  const fs::path folder = out / "runs" / id;
  std::error_code error;
  const bool made = fs::create_directory(folder, error);
  if (!error && made) return folder;
  throw Error(ErrorKind::output, "cannot make " + folder.string(),
              error ? error.message() : "it exists already", "start the run again");
}

/// Without a last line that has no end.
std::string whole_lines(const std::string& text) {
  return text.substr(0, text.rfind('\n') + 1);
}

/// Finished rows in the order in which they were written. The last line may be cut off by a crash.
std::vector<Row> read_points(const fs::path& file) {
  std::vector<Row> rows;
  if (!fs::exists(file)) return rows;
  std::istringstream lines(whole_lines(read_file(file)));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    rows.push_back(row_from_json(line, file.string() + ":" + std::to_string(rows.size() + 1)));
  }
  return rows;
}

}  // namespace

std::string new_run_id(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char date[32], id[40];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H-%M-%SZ", &utc);
  std::snprintf(id, sizeof id, "%s-%04x", date, std::random_device{}() & 0xffffu);
  return id;
}

RunStore::RunStore(const fs::path& out, const std::string& id) : RunStore(new_folder(out, id)) {}

RunStore RunStore::reopen(const fs::path& folder) {
  RunStore store(folder);
  remove_temporaries(folder);
  const fs::path file = folder / kPointsFile;
  if (!fs::exists(file)) return store;
  const std::string text = read_file(file), whole = whole_lines(text);
  if (whole.size() < text.size()) write_file(file, whole);
  return store;
}

void RunStore::append_point(const Row& row) const {
  append_line(folder_ / kPointsFile, to_json(row));
}

std::vector<Row> RunStore::points() const {
  return read_points(folder_ / kPointsFile);
}

void RunStore::write_run(const Run& run) const {
  write_file(folder_ / kRunFile, to_json(run));
}

fs::path find_run(const fs::path& out, const std::string& name) {
  const std::vector<std::string> ids = run_ids(out);
  const std::optional<std::size_t> back = runs_back(name);
  if (back && *back < ids.size()) return out / "runs" / ids[ids.size() - 1 - *back];
  if (std::find(ids.begin(), ids.end(), name) != ids.end()) return out / "runs" / name;
  const fs::path path(name);
  if (holds_run(path)) return path;
  if (path.filename() == kRunFile && holds_run(path.parent_path())) return path.parent_path();
  if (path == kRunFile && holds_run(".")) return ".";
  if (ids.empty()) {
    throw Error(ErrorKind::usage, "no run '" + name + "'",
                "there is none in " + (out / "runs").string() + " yet",
                "start one, or name the folder of results with --out DIR");
  }
  throw Error(ErrorKind::usage, "no run '" + name + "' in " + (out / "runs").string(),
              newest_runs(ids),
              "name one of them, 'last', 'last~N', or the path of a run's folder");
}

Run load_run(const fs::path& folder) {
  const fs::path file = folder / kRunFile;
  Run run = run_from_json(read_file(file), file.string());
  if (run.rows.empty()) {
    run.rows = read_points(folder / kPointsFile);
    std::stable_sort(run.rows.begin(), run.rows.end(),
                     [](const Row& a, const Row& b) { return a.point < b.point; });
    compare_with_baseline(run);
  }
  return run;
}

}  // namespace moe::record
