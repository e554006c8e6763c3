// A small table that prints itself three ways: aligned text, Markdown and CSV.
#pragma once

#include <string>
#include <vector>

#include "report/text/color.h"

namespace moe::report {

enum class Align { left, right };

/// Every row has a cell per column, or is *short*: then its last cell runs on over the columns that
/// are left (a reason in the place of figures) and does not widen any.
struct TextTable {
  std::vector<std::string> header;
  std::vector<Align> alignment;  // one per column
  std::vector<std::vector<std::string>> rows;
  std::vector<Tone> tones;  // of the last cell of each row; may be shorter than rows
};

/// Two spaces between columns, no trailing ones. In colour the header is strong and last cells have
/// their tone.
std::string to_text(const TextTable& table, bool in_color = false);
std::string to_markdown(const TextTable& table);  // '|' in cells is escaped
std::string to_csv(const TextTable& table);  // RFC 4180: quotes where needed, "\n" at line ends

}  // namespace moe::report
