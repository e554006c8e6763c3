// The eight colours that every terminal theme defines, so that contrast is the user's choice.
#include "report/text/color.h"

namespace moe::report {
namespace {

const char* sequence_of(Tone tone) {
  switch (tone) {
    case Tone::plain: return "";
    case Tone::strong: return "\x1b[1m";
    case Tone::good: return "\x1b[32m";
    case Tone::bad: return "\x1b[31m";
    case Tone::doubt: return "\x1b[33m";
  }
  return "";
}

}  // namespace

std::string painted(const std::string& text, Tone tone, bool in_color) {
  if (!in_color || tone == Tone::plain || text.empty()) return text;
  return sequence_of(tone) + text + "\x1b[0m";
}

}  // namespace moe::report
