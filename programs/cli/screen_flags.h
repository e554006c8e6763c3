// --format and --color: what goes to stdout, and how.
#pragma once

#include <iosfwd>

namespace CLI {
class App;
}

namespace moe::programs {

enum class Format { text, csv, json, jsonl, md };
enum class ColorChoice { automatic, always, never };

struct ScreenOptions {
  Format format = Format::text;  // of stdout; with any other than text the screen goes to stderr
  ColorChoice color = ColorChoice::automatic;
};

/// Adds --format to `app`.
void add_format_flag(CLI::App& app, ScreenOptions& options);
/// Adds --color to `app`.
void add_color_flag(CLI::App& app, ScreenOptions& options);

/// Where people's text goes: stdout, or stderr when stdout has another format, or nowhere when that
/// is also `quiet`.
std::ostream& screen_of(const ScreenOptions& options, bool quiet);

/// Whether text for `descriptor` (1 = stdout, 2 = stderr) is painted. Left to itself: on terminals
/// only, not with NO_COLOR or TERM=dumb; CLICOLOR_FORCE paints everywhere.
bool is_painted(const ScreenOptions& options, int descriptor);

}  // namespace moe::programs
