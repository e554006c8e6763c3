// Commas first, then the range in each part.
#include "cli/value_list.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "moe/error.h"

namespace moe::programs {
namespace {

constexpr std::size_t kMostValues = 10'000;

[[noreturn]] void refuse(const std::string& what, const std::string& why = "") {
  throw Error(ErrorKind::usage, what, why,
              "write a number, a list (1024,2048) or a range (1024:65536:*2, 64:512:+64)");
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return value;
}

/// FROM:TO:*F or FROM:TO:+S, after the colons were found.
void add_range(const std::string& flag, const std::string& text, std::size_t first_colon,
               std::vector<std::string>& values) {
  const std::size_t second_colon = text.find(':', first_colon + 1);
  const std::string what = flag + " " + text + ": not a range";
  if (second_colon == std::string::npos || second_colon + 2 >= text.size()) refuse(what);
  const auto from = whole_number(text.substr(0, first_colon));
  const auto to = whole_number(text.substr(first_colon + 1, second_colon - first_colon - 1));
  const char step_kind = text[second_colon + 1];
  const auto step = whole_number(text.substr(second_colon + 2));
  if (!from || !to || !step || (step_kind != '*' && step_kind != '+')) refuse(what);
  const bool times = step_kind == '*';
  if (*from < 1 || *to < *from || *step < (times ? 2 : 1))
    refuse(what, "it must rise, from 1 or more");
  for (std::int64_t value = *from;;) {
    if (values.size() == kMostValues) refuse(what, "more than 10,000 values");
    values.push_back(std::to_string(value));
    // Compared before the step, so that nothing overflows.
    const bool is_last = times ? value > *to / *step : value > *to - *step;
    if (is_last) return;
    value = times ? value * *step : value + *step;
  }
}

}  // namespace

std::vector<std::string> words_of(const std::string& flag, const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    if (words.back().empty()) {
      throw Error(ErrorKind::usage, flag + " '" + text + "': an empty value in the list", "",
                  "separate values by single commas, without spaces");
    }
    begin = end + 1;
  }
  return words;
}

std::vector<std::string> numbers_of(const std::string& flag, const std::string& text) {
  std::vector<std::string> values;
  for (const std::string& part : words_of(flag, text)) {
    const std::size_t colon = part.find(':');
    if (colon != std::string::npos) {
      add_range(flag, part, colon, values);
    } else if (const auto number = whole_number(part)) {
      values.push_back(std::to_string(*number));
    } else {
      refuse(flag + " " + part + ": not a whole number");
    }
  }
  return values;
}

}  // namespace moe::programs
