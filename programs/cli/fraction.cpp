// A number, and perhaps a percent sign.
#include "cli/fraction.h"

#include <charconv>

#include "moe/error.h"

namespace moe::programs {

double parse_fraction(const std::string& flag, const std::string& text) {
  double number = -1;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  std::string unit(stop, end);
  if (unit.starts_with(' ')) unit.erase(0, 1);
  const double fraction = unit == "%" ? number / 100 : number;
  const bool is_fraction =
      error == std::errc() && (unit.empty() || unit == "%") && fraction >= 0 && fraction <= 1;
  if (!is_fraction) {
    throw Error(ErrorKind::usage, flag + " " + text + ": not a fraction of 0 to 1", "",
                "write it as 3% or 0.03");
  }
  return fraction;
}

}  // namespace moe::programs
