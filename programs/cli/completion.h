// Completion scripts, made from the command table: a new flag is offered without further ado.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/command_table.h"

namespace moe::programs {

/// Words for values that no table lists: "CONFIG" -> presets, beside files. Values named FILE, DIR
/// and RUN are looked up by the shell: files, folders, saved runs.
using ValueWords = std::map<std::string, std::vector<std::string>>;

std::string bash_completion(const ProgramEntry& program, const ValueWords& words);
std::string zsh_completion(const ProgramEntry& program, const ValueWords& words);

}  // namespace moe::programs
