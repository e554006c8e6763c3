// A flag that takes one of a few names.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/nearest_name.h"
#include "moe/error.h"

namespace moe::programs {

/// The value that `text` names. Throws Error{usage} with the nearest name and all known ones.
template <class Value>
Value parse_choice(const char* flag, const std::string& text,
                   const std::map<std::string, Value>& choices) {
  const auto found = choices.find(text);
  if (found != choices.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [name, value] : choices) known.push_back(name);
  throw Error(ErrorKind::usage, config::unknown_name(std::string("value of ") + flag, text, known),
              "", "known: " + config::listed(known));
}

}  // namespace moe::programs
