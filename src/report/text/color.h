// Colour on terminals: a few meanings, not a palette. Text is laid out first and painted last, so
// that escape sequences never count as width.
#pragma once

#include <string>

namespace moe::report {

enum class Tone {
  plain,
  strong,  // headers, the closing sentence
  good,    // faster
  bad,     // slower, failed
  doubt,   // unclear, warnings
};

/// `text` between the escape sequences of `tone`; unchanged when plain, empty or not `in_color`.
std::string painted(const std::string& text, Tone tone, bool in_color);

}  // namespace moe::report
