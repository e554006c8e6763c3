// The flags, and the conventions of no-color.org and bixense.com/clicolors.
#include "cli/screen_flags.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "cli/choice.h"

namespace moe::programs {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

void add_format_flag(CLI::App& app, ScreenOptions& options) {
  app.add_option_function<std::string>(
         "--format",
         [&options](const std::string& text) {
           options.format = parse_choice<Format>("--format", text,
                                                 {{"text", Format::text},
                                                  {"csv", Format::csv},
                                                  {"json", Format::json},
                                                  {"jsonl", Format::jsonl},
                                                  {"md", Format::md}});
         },
         "of stdout: text | csv | json | jsonl | md")
      ->default_str("text")
      ->group("Output");
}

void add_color_flag(CLI::App& app, ScreenOptions& options) {
  app.add_option_function<std::string>(
         "--color",
         [&options](const std::string& text) {
           options.color = parse_choice<ColorChoice>("--color", text,
                                                     {{"auto", ColorChoice::automatic},
                                                      {"always", ColorChoice::always},
                                                      {"never", ColorChoice::never}});
         },
         "auto | always | never; auto means on terminals, and obeys NO_COLOR and CLICOLOR_FORCE")
      ->default_str("auto")
      ->group("Output");
}

std::ostream& screen_of(const ScreenOptions& options, bool quiet) {
  static std::ostream nowhere(nullptr);
  if (options.format == Format::text) return std::cout;
  return quiet ? nowhere : std::cerr;
}

bool is_painted(const ScreenOptions& options, int descriptor) {
  if (options.color != ColorChoice::automatic) return options.color == ColorChoice::always;
  if (!variable("NO_COLOR").empty()) return false;
  const std::string_view force = variable("CLICOLOR_FORCE");
  if (!force.empty() && force != "0") return true;
  return isatty(descriptor) == 1 && variable("TERM") != "dumb";
}

}  // namespace moe::programs
