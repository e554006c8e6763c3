// A record with something in every optional field and every list, so that its JSON shows every
// field that there is, those of tomorrow too.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "record/fields.h"

namespace moe::record {

class Filler {
 public:
  template <class T>
  void operator()(const char*, T& value) {
    fill(value);
  }

 private:
  template <class T>
  void fill(std::optional<T>& value) {
    fill(value.emplace());
  }
  template <class T>
  void fill(std::vector<T>& value) {
    fill(value.emplace_back());
  }
  void fill(std::map<std::string, std::string>& value) { value["key"] = "value"; }
  template <class T>
  void fill(T& value) {
    constexpr bool is_leaf =
        std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, std::string>;
    if constexpr (!is_leaf) visit_fields(*this, value);
  }
};

template <class Record>
Record filled() {
  Record record;
  Filler filler;
  visit_fields(filler, record);
  return record;
}

}  // namespace moe::record
