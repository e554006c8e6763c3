// One block per refusal, as docs/cli.md describes errors.
#include "cli/parse_errors.h"

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "config/nearest_name.h"
#include "moe/error.h"

namespace moe::programs {
namespace {

/// CLI11's "Could not convert: --tokens = 1.5" as "--tokens 1.5: not a whole number".
std::string conversion_text(const CLI::App& app, const std::string& text) {
  const std::size_t begin = text.find("--"), equals = text.find(" = ");
  if (begin == std::string::npos || equals == std::string::npos) return text;
  const std::string flag = text.substr(begin, equals - begin);
  const CLI::Option* option = app.get_option_no_throw(flag);
  const bool whole = option != nullptr && option->get_type_name().rfind("FLOAT", 0) != 0;
  return flag + " " + text.substr(equals + 3) + (whole ? ": not a whole number" : ": not a number");
}

std::string program_of(const CLI::App& app) {
  const CLI::App* root = &app;
  while (root->get_parent() != nullptr) root = root->get_parent();
  return root->get_name();
}

}  // namespace

void rethrow_as_usage(const CLI::App& app, const CLI::ParseError& error) {
  const std::string remedy = "see: " + program_of(app) + " --help";
  const auto* extras = dynamic_cast<const CLI::ExtrasError*>(&error);
  const std::vector<std::string> remaining = app.remaining();
  if (extras != nullptr && !remaining.empty()) {
    if (remaining.front().rfind('-', 0) != 0) {
      throw Error(ErrorKind::usage, "unexpected argument '" + remaining.front() + "'", "", remedy);
    }
    std::vector<std::string> known;
    for (const CLI::Option* option : app.get_options()) known.push_back(option->get_name());
    const std::string flag = remaining.front().substr(0, remaining.front().find('='));
    throw Error(ErrorKind::usage, config::unknown_name("flag", flag, known), "", remedy);
  }
  std::string what = error.what();
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr)
    what = conversion_text(app, what);
  const std::size_t override_at = what.find(" was given a disallowed flag override");
  if (override_at != std::string::npos)
    what = "--" + what.substr(0, override_at) + " takes no value";
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
    what = app.get_name() + ": " + what;
  throw Error(ErrorKind::usage, what, "", remedy);
}

}  // namespace moe::programs
