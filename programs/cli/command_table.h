// The command line as data: what CLI11 parses by, told to people (manual) and shells (completion).
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace moe::programs {

/// A flag with its value, a switch, or a positional argument.
struct OptionEntry {
  std::vector<std::string> names;    // "-q", "--quiet", short ones first; of a positional its name
  std::string value;                 // "INT", "DIR"; empty = a switch
  std::vector<std::string> choices;  // when its help lists them: "off | quick | full"
  std::string help, default_value, group;
};

struct CommandEntry {
  std::string name, summary;
  std::vector<OptionEntry> flags, positionals;
};

struct ProgramEntry {
  std::string name, description;
  std::vector<CommandEntry> commands;  // the first is the default
  std::string run_folder = "runs";     // below --out: where the runs are that its flags name
};

/// Reads the table out of a defined command line.
ProgramEntry describe_program(const CLI::App& app);

}  // namespace moe::programs
