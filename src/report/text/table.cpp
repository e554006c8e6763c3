// Widths are counted in code points: enough for the accents and signs that names and units may
// carry.
#include "report/text/table.h"

#include <algorithm>

namespace moe::report {
namespace {

std::size_t width_of(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
}

std::vector<std::size_t> column_widths(const TextTable& table) {
  std::vector<std::size_t> widths;
  for (const std::string& title : table.header) widths.push_back(width_of(title));
  for (const auto& row : table.rows) {
    const bool is_short = row.size() < widths.size();
    for (std::size_t c = 0; c < row.size() - (is_short ? 1 : 0); ++c) {
      widths[c] = std::max(widths[c], width_of(row[c]));
    }
  }
  return widths;
}

/// `tone` is of the last cell.
std::string text_line(const std::vector<std::string>& cells, const std::vector<Align>& alignment,
                      const std::vector<std::size_t>& widths, Tone tone) {
  const bool is_short = cells.size() < widths.size();
  std::string line;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    if (c > 0) line += "  ";
    const bool runs_on = is_short && c + 1 == cells.size();
    const std::size_t used = width_of(cells[c]);
    const std::string padding(runs_on || used >= widths[c] ? 0 : widths[c] - used, ' ');
    const bool is_last = c + 1 == cells.size();
    const std::string cell = painted(cells[c], is_last ? tone : Tone::plain, true);
    line += alignment[c] == Align::right && !runs_on ? padding + cell : cell + padding;
  }
  return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string markdown_line(const std::vector<std::string>& cells, std::size_t columns) {
  std::string line = "|";
  for (std::size_t c = 0; c < columns; ++c) {
    line += ' ';
    if (c < cells.size()) line += replaced(cells[c], "|", "\\|");
    line += " |";
  }
  return line + "\n";
}

std::string csv_line(const std::vector<std::string>& cells, std::size_t columns) {
  std::string line;
  for (std::size_t c = 0; c < columns; ++c) {
    if (c > 0) line += ',';
    if (c >= cells.size()) continue;
    const bool is_quoted = cells[c].find_first_of(",\"\r\n") != std::string::npos;
    const char* mark = is_quoted ? "\"" : "";
    line += mark;
    line += is_quoted ? replaced(cells[c], "\"", "\"\"") : cells[c];
    line += mark;
  }
  return line + "\n";
}

}  // namespace

std::string to_text(const TextTable& table, bool in_color) {
  const std::vector<std::size_t> widths = column_widths(table);
  std::string header = text_line(table.header, table.alignment, widths, Tone::plain);
  header.pop_back();
  std::string text = painted(header, Tone::strong, in_color) + "\n";
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const bool has_tone = in_color && i < table.tones.size();
    text +=
        text_line(table.rows[i], table.alignment, widths, has_tone ? table.tones[i] : Tone::plain);
  }
  return text;
}

std::string to_markdown(const TextTable& table) {
  const std::size_t columns = table.header.size();
  std::string text = markdown_line(table.header, columns);
  text += "|";
  for (Align align : table.alignment) text += align == Align::right ? "---:|" : "---|";
  text += "\n";
  for (const auto& row : table.rows) text += markdown_line(row, columns);
  return text;
}

std::string to_csv(const TextTable& table) {
  const std::size_t columns = table.header.size();
  std::string text = csv_line(table.header, columns);
  for (const auto& row : table.rows) text += csv_line(row, columns);
  return text;
}

}  // namespace moe::report
