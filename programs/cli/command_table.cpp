// CLI11's objects, read.
#include "cli/command_table.h"

#include <CLI/CLI.hpp>
#include <sstream>

namespace moe::programs {
namespace {

/// What can be typed of "zipf:S" is "zipf:", of "cuda[:i]" "cuda"; punctuation belongs to the help.
std::string offered(std::string choice) {
  choice = choice.substr(0, choice.find('['));
  const std::size_t colon = choice.find(':');
  if (colon != std::string::npos) return choice.substr(0, colon + 1);
  return choice.substr(0, choice.find_last_not_of(",;.)") + 1);
}

/// Help lists values as "off | quick | full": the words around each bar.
std::vector<std::string> choices_in(const std::string& help) {
  std::istringstream words(help);
  std::vector<std::string> choices;
  std::string before, word;
  bool behind_bar = false;
  while (words >> word) {
    if (word == "|" && choices.empty()) choices.push_back(offered(before));
    if (behind_bar) choices.push_back(offered(word));
    behind_bar = word == "|";
    before = word;
  }
  return choices;
}

OptionEntry describe(const CLI::Option& option) {
  OptionEntry entry;
  if (option.get_positional()) {
    entry.names = {option.get_name(true)};
  } else {
    for (const std::string& name : option.get_snames()) entry.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) entry.names.push_back("--" + name);
  }
  if (option.get_items_expected_max() > 0) entry.value = option.get_type_name();
  entry.help = option.get_description();
  entry.choices = choices_in(entry.help);
  entry.default_value = option.get_default_str();
  entry.group = option.get_group();
  return entry;
}

CommandEntry describe(const CLI::App& command) {
  CommandEntry entry{command.get_name(), command.get_description(), {}, {}};
  for (const CLI::Option* option : command.get_options()) {
    (option->get_positional() ? entry.positionals : entry.flags).push_back(describe(*option));
  }
  return entry;
}

}  // namespace

ProgramEntry describe_program(const CLI::App& app) {
  ProgramEntry program;
  program.name = app.get_name();
  program.description = app.get_description();
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    program.commands.push_back(describe(*command));
  }
  return program;
}

}  // namespace moe::programs
