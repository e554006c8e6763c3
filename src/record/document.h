// Named values and rows of named values as JSON: for results that are no timed run.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace moe::record {

using Value = std::variant<double, std::int64_t, bool, std::string>;
using Fields = std::vector<std::pair<std::string, Value>>;  // in the order of writing

/// One object: `head` first, then an array of objects for each list of rows.
struct Document {
  Fields head;
  std::vector<std::pair<std::string, std::vector<Fields>>> lists;
};

/// Indented JSON with a newline at the end. Numbers round-trip; NaN and infinities become null.
std::string to_json(const Document& document);

}  // namespace moe::record
