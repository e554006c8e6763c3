// posix_spawn with a fixed argument vector; what gnuplot says on stderr becomes the reason of a
// failure.
#include "report/plot/gnuplot.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

extern char** environ;

namespace moe::report {
namespace {

/// posix_spawn_file_actions_t that destroys itself.
struct FileActions {
  posix_spawn_file_actions_t actions;
  FileActions() { posix_spawn_file_actions_init(&actions); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
};

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> block;
  for (ssize_t count = 0; (count = ::read(fd, block.data(), block.size())) != 0;) {
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    text.append(block.data(), static_cast<std::size_t>(count));
  }
  return text;
}

struct Outcome {
  int spawn_error = 0;  // errno of the start
  int status = 0;       // of waitpid
  std::string complaints;
};

Outcome run(const std::filesystem::path& folder, std::vector<std::string> arguments) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {errno, 0, ""};
  FileActions child;
  posix_spawn_file_actions_addopen(&child.actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&child.actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&child.actions, ends[1], 2);
  posix_spawn_file_actions_addchdir_np(&child.actions, folder.c_str());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  Outcome outcome;
  outcome.spawn_error =
      ::posix_spawnp(&pid, argv[0], &child.actions, nullptr, argv.data(), environ);
  ::close(ends[1]);
  if (outcome.spawn_error == 0) {
    outcome.complaints = read_all(ends[0]);
    while (::waitpid(pid, &outcome.status, 0) < 0 && errno == EINTR) {
    }
  }
  ::close(ends[0]);
  return outcome;
}

std::string first_lines(const std::string& text) {
  std::string line;
  for (char c : text.substr(0, 300)) line += c == '\n' || c == '\t' ? ' ' : c;
  const std::size_t start = std::min(line.find_first_not_of(' '), line.size());
  return line.substr(start, line.find_last_not_of(' ') + 1 - start);
}

}  // namespace

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    result += c;
    if (c == '\'') result += c;
  }
  return result + "'";
}

std::optional<std::string> run_gnuplot(const std::filesystem::path& folder,
                                       const std::string& script, const std::string& picture) {
  // Drawn under another name: whoever looks, or a kill, meets a whole picture or none.
  const std::string drawn = picture + ".tmp" + std::to_string(::getpid());
  const Outcome outcome =
      run(folder, {"gnuplot", "-d", "-e", "picture = " + quoted(drawn), script});
  std::error_code error;
  const auto bytes = std::filesystem::file_size(folder / drawn, error);
  std::string problem;
  if (outcome.spawn_error == ENOENT) {
    problem = "gnuplot not found";
  } else if (outcome.spawn_error != 0) {
    problem = std::string("gnuplot could not be started: ") + std::strerror(outcome.spawn_error);
  } else if (!WIFEXITED(outcome.status) || WEXITSTATUS(outcome.status) != 0) {
    problem = "gnuplot failed: " + first_lines(outcome.complaints);
  } else if (error || bytes == 0) {
    problem = "gnuplot drew nothing: " + first_lines(outcome.complaints);
  }
  if (problem.empty()) std::filesystem::rename(folder / drawn, folder / picture, error);
  if (problem.empty() && !error) return std::nullopt;
  std::error_code ignored;
  std::filesystem::remove(folder / drawn, ignored);
  return problem.empty() ? "the picture could not be renamed: " + error.message() : problem;
}

}  // namespace moe::report
