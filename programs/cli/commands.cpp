// CLI11's parser, its two ways out, and what is typed to do it again.
#include "cli/commands.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/command_line.h"
#include "cli/parse_errors.h"

namespace moe::programs {
namespace {

std::vector<CLI::App*> commands_of(CLI::App& app) {
  return app.get_subcommands([](CLI::App*) { return true; });
}

std::vector<std::string> names_of_commands(CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands_of(app)) names.push_back(command->get_name());
  return names;
}

/// CLI11 would take "--quiet=2" for two times quiet.
void refuse_values_of_switches(CLI::App& app) {
  for (CLI::App* command : commands_of(app)) {
    for (CLI::Option* option : command->get_options()) {
      if (option->get_items_expected_max() == 0) option->disable_flag_override();
    }
  }
}

/// Help of the whole program covers its commands too.
void print_help_or_version(const CLI::App& app, const std::string& first,
                           const CLI::Success& asked) {
  if (first == "--help" || first == "-h") {
    std::cout << app.help("", CLI::AppFormatMode::All);
  } else {
    app.exit(asked);
  }
}

}  // namespace

CLI::App& add_command(CLI::App& app, const char* name, const char* summary,
                      std::function<void()> chosen) {
  CLI::App* added = app.add_subcommand(name, summary);
  added->callback(std::move(chosen));
  return *added;
}

void add_shell_commands(CLI::App& app, std::string& shell, std::function<void()> completion_chosen,
                        std::function<void()> man_chosen) {
  add_command(app, "completion", "a completion script for a shell", std::move(completion_chosen))
      .add_option("shell", shell, "bash | zsh")
      ->required();
  add_command(app, "man", "the manual page, for man -l or a file", std::move(man_chosen));
}

std::optional<std::vector<std::string>> parse_commands(CLI::App& app,
                                                       const std::vector<std::string>& given) {
  app.require_subcommand(1);
  refuse_values_of_switches(app);
  const std::vector<std::string> arguments = with_command(given, names_of_commands(app));
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success& asked) {
    print_help_or_version(app, arguments.front(), asked);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    const CLI::App* used = app.get_subcommands().empty() ? &app : app.get_subcommands().front();
    rethrow_as_usage(*used, error);
  }
  return arguments;
}

std::string repeat_command(const std::string& program, const std::vector<std::string>& arguments) {
  std::string command = program;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    command += " " + quoted_for_shell(arguments[i]);
  }
  return command;
}

}  // namespace moe::programs
