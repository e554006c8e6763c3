// `completion` and `man`: a program's command line, told to shells and to man.
#pragma once

#include <string>

#include "cli/completion.h"
#include "cli/man_page.h"

namespace moe::programs {

/// What a program knows of itself beyond its flags.
struct ShellPages {
  ProgramEntry program;
  ValueWords words;
  std::vector<ManualSection> sections;
};

/// Presets and variants, which every program completes.
ValueWords usual_words();

/// Variables that every program obeys.
ManualSection usual_environment();

/// A script for "bash" or "zsh". Throws Error{usage} for another shell.
std::string completion_script(const ShellPages& pages, const std::string& shell);

/// The manual page as troff source.
std::string manual_page(const ShellPages& pages);

}  // namespace moe::programs
