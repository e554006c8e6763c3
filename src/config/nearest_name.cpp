// Edit distance over three rows of the usual table: swaps of neighbours look two rows back.
#include "config/nearest_name.h"

#include <algorithm>
#include <numeric>

namespace moe::config {
namespace {

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string nearest_name(std::string_view wrong, const std::vector<std::string>& known) {
  const std::string wanted = lower_case(wrong);
  std::string nearest;
  std::size_t fewest = 0;
  for (const std::string& name : known) {
    const std::size_t limit = 1 + name.size() / 4;
    // The difference of lengths is a lower bound; it also keeps very long input cheap.
    if (std::max(name.size(), wanted.size()) - std::min(name.size(), wanted.size()) > limit)
      continue;
    const std::size_t edits = edit_distance(wanted, lower_case(name));
    if (edits > limit || (!nearest.empty() && edits >= fewest)) continue;
    nearest = name;
    fewest = edits;
  }
  if (!nearest.empty() || wanted.size() < 3) return nearest;
  const auto begins = [&](const std::string& name) { return lower_case(name).starts_with(wanted); };
  const auto first = std::find_if(known.begin(), known.end(), begins);
  return first == known.end() ? "" : *first;
}

std::string unknown_name(std::string_view noun, std::string_view wrong,
                         const std::vector<std::string>& known) {
  std::string text = "unknown " + std::string(noun) + " '" + std::string(wrong) + "'";
  const std::string nearest = nearest_name(wrong, known);
  if (!nearest.empty()) text += ". Did you mean '" + nearest + "'?";
  return text;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace moe::config
