// `completion` and `man`: the command line of this program, told to shells and to man.
#pragma once

#include <string>

namespace moe::programs {

/// A script for "bash" or "zsh". Throws Error{usage} for another shell.
std::string completion_text(const std::string& shell);

/// The manual page as troff source.
std::string manual_text();

}  // namespace moe::programs
