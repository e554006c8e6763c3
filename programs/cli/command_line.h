// Argument lists: the command that they begin with, and how they are written again.
#pragma once

#include <string>
#include <vector>

namespace moe::programs {

/// The first of `commands` is the default: it is put in front of arguments that name none.
/// Throws Error{usage} with the nearest command for an unknown one.
std::vector<std::string> with_command(std::vector<std::string> arguments,
                                      const std::vector<std::string>& commands);

/// Whether `flag` stands among the arguments, as "--flag" or "--flag=value".
bool has_flag(const std::vector<std::string>& arguments, const std::string& flag);

/// One word for a POSIX shell.
std::string quoted_for_shell(const std::string& argument);

}  // namespace moe::programs
