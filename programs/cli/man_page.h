// The manual page, made from the command table.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/command_table.h"

namespace moe::programs {

/// What the table does not know: sections of (term, meaning).
struct ManualSection {
  std::string title;  // "EXIT STATUS"
  std::vector<std::pair<std::string, std::string>> entries;
};

/// troff source for `man`: name, synopsis, commands, the flags of each command by group, then
/// `more`.
std::string man_page(const ProgramEntry& program, const std::string& version,
                     const std::vector<ManualSection>& more);

}  // namespace moe::programs
