// The frame of a command line: a program of commands, of which the first is the default.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace moe::programs {

/// Adds a command; `chosen` is called when the command line names it.
CLI::App& add_command(CLI::App& app, const char* name, const char* summary,
                      std::function<void()> chosen);

/// `completion`, which takes a shell, and `man`, alike in every program.
void add_shell_commands(CLI::App& app, std::string& shell, std::function<void()> completion_chosen,
                        std::function<void()> man_chosen);

/// Parses with the commands and flags of `app`. Returns the arguments, the command first; nothing
/// when help or the version was asked for and printed. A switch with a value ("--quiet=2") is an
/// error. Throws Error{usage}.
std::optional<std::vector<std::string>> parse_commands(CLI::App& app,
                                                       const std::vector<std::string>& given);

/// The command line that does the same again, for a POSIX shell. `arguments` are those that
/// parse_commands() returned; "run" is left out.
std::string repeat_command(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace moe::programs
