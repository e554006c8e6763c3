// Runs bench_moe_variants as a user does: in a folder of its own, by its real command line.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "record/scratch_folder.h"

namespace moe::programs {

inline std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void write_text(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

struct Outcome {
  int exit_code = -1;  // 128 + signal when one ended it
  std::string out, err;
};

/// One process of the program in `folder`; its screens go to files beside that folder's contents.
class StartedProgram {
 public:
  StartedProgram(const std::filesystem::path& folder, const std::vector<std::string>& arguments)
      : out_(folder / ".stdout"), err_(folder / ".stderr") {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    constexpr int kNewFile = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out_.c_str(), kNewFile, 0644);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err_.c_str(), kNewFile, 0644);
    posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    std::vector<std::string> words{BENCH_PROGRAM};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    // Spinning threads would starve the other tests of a busy machine.
    ::setenv("OMP_WAIT_POLICY", "passive", 0);
    const int error =
        ::posix_spawn(&process_, BENCH_PROGRAM, &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    EXPECT_EQ(error, 0) << "cannot start " << BENCH_PROGRAM;
  }

  void send(int signal) {
    if (!has_ended()) ::kill(process_, signal);
  }

  /// True once the program has said so on stderr.
  bool wait_for_progress(const std::string& text) const {
    return wait_until([&] { return text_of(err_).find(text) != std::string::npos; });
  }

  /// Returns once the condition holds, or the program has ended without it.
  template <class Condition>
  void wait_until_ended_or(const Condition& holds) {
    wait_until([&] { return holds() || has_ended(); });
  }

  Outcome finish() {
    const bool ended = wait_until([&] { return has_ended(); });
    if (!ended) {
      send(SIGKILL);
      ::waitpid(process_, &status_, 0);
      ADD_FAILURE() << "the program did not end";
    }
    return {WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_), text_of(out_),
            text_of(err_)};
  }

 private:
  template <class Condition>
  static bool wait_until(const Condition& holds) {
    const auto start = std::chrono::steady_clock::now();
    while (!holds()) {
      if (std::chrono::steady_clock::now() - start > std::chrono::seconds(120)) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }

  bool has_ended() {
    ended_ = ended_ || ::waitpid(process_, &status_, WNOHANG) == process_;
    return ended_;
  }

  std::filesystem::path out_, err_;
  pid_t process_ = 0;
  bool ended_ = false;
  int status_ = 0;  // of waitpid, once ended
};

/// A test with a scratch folder to run the program in.
class ProgramTest : public testing::Test {
 protected:
  Outcome run(const std::vector<std::string>& arguments) const {
    return StartedProgram(scratch_.path(), arguments).finish();
  }
  std::filesystem::path file(const std::string& name) const { return scratch_.path() / name; }

  record::ScratchFolder scratch_;
};

/// Flags of a layer that takes no time.
inline std::vector<std::string> tiny(const std::vector<std::string>& more) {
  std::vector<std::string> all = {"--hidden-dim", "64",  "--ffn-dim", "32",
                                  "--tokens",     "128", "--fast"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace moe::programs
