// Words in, words out; no parser needed.
#include "cli/command_line.h"

#include <algorithm>

#include "config/nearest_name.h"
#include "moe/error.h"

namespace moe::programs {

std::vector<std::string> with_command(std::vector<std::string> arguments,
                                      const std::vector<std::string>& commands) {
  if (arguments.empty()) return {commands.front()};
  const std::string first = arguments.front();
  const bool is_global = first == "--help" || first == "-h" || first == "--version";
  if (first.rfind('-', 0) == 0) {
    if (!is_global) arguments.insert(arguments.begin(), commands.front());
    return arguments;
  }
  if (std::find(commands.begin(), commands.end(), first) != commands.end()) return arguments;
  throw Error(ErrorKind::usage, config::unknown_name("command", first, commands), "",
              "known: " + config::listed(commands));
}

bool has_flag(const std::vector<std::string>& arguments, const std::string& flag) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
    return argument == flag || argument.rfind(flag + "=", 0) == 0;
  });
}

std::string quoted_for_shell(const std::string& argument) {
  const bool plain =
      argument.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+.,:/") ==
      std::string::npos;
  if (plain && !argument.empty()) return argument;
  std::string quoted = "'";
  for (char c : argument) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace moe::programs
