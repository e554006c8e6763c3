// Completion scripts and manuals, tried in the shells and readers that the machine has.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "programs/started_program.h"

namespace moe::programs {

inline bool has_program(const std::string& name) {
  return std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

/// Of the program that the test is built for.
inline std::string program_name() {
  return std::filesystem::path(BENCH_PROGRAM).filename().string();
}

class Shell : public ProgramTest {
 protected:
  /// What a shell command prints, errors included, in the scratch folder.
  std::string output_of(const std::string& command) const {
    const std::string to = file(".shell").string();
    const std::string all =
        "cd '" + scratch_.path().string() + "' && { " + command + "; } >'" + to + "' 2>&1";
    EXPECT_EQ(std::system(all.c_str()), 0) << command << "\n" << text_of(to);
    return text_of(to);
  }

  /// What bash offers for the last of `words`.
  std::vector<std::string> offered(const std::vector<std::string>& words) const {
    write_text(file("completion"), run({"completion", "bash"}).out);
    std::string script = ". ./completion; COMP_WORDS=(" + program_name();
    for (const std::string& word : words) script += " \"" + word + "\"";
    script += "); COMP_CWORD=" + std::to_string(words.size()) + "; _" + program_name() +
              "; printf \"%s\\n\" \"${COMPREPLY[@]}\"";
    std::istringstream lines(output_of("bash -u -c '" + script + "'"));
    std::vector<std::string> found;
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty()) found.push_back(line);
    }
    return found;
  }

  /// What zsh is told by the script with these words typed, the last being completed.
  std::string specified(const std::string& words, int current) const {
    const std::string stubs =
        "compdef() { :; }; _arguments() { print -l -- \"$@\"; }; "
        "_describe() { print -l -- $commands; }; . ./completion; ";
    return output_of("zsh -f -c '" + stubs + "words=(" + program_name() + " " + words +
                     "); CURRENT=" + std::to_string(current) + "; _" + program_name() + "'");
  }

  /// Every long flag that the help of `command` names at the start of a line.
  std::vector<std::string> flags_of(const std::string& command) const {
    const std::string help = run({command, "--help"}).out;
    std::vector<std::string> flags;
    const std::regex pattern("\n  (?:-.,)?(--[a-z0-9-]+)");
    for (std::sregex_iterator it(help.begin(), help.end(), pattern), end; it != end; ++it)
      flags.push_back((*it)[1]);
    return flags;
  }

  /// Every command that the help of the program lists, the default first.
  std::vector<std::string> commands() const {
    const std::string help = run({"--help"}).out;
    std::vector<std::string> names;
    const std::regex pattern("\n([a-z-]+)\n  [^ ]");
    for (std::sregex_iterator it(help.begin(), help.end(), pattern), end; it != end; ++it)
      names.push_back((*it)[1]);
    return names;
  }
};

}  // namespace moe::programs
