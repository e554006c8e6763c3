// Both records as lists of (name, text), and where the lists part.
#include "record/differences.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "record/fields.h"

namespace moe::record {
namespace {

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

class Flattener {
 public:
  explicit Flattener(std::string prefix) : prefix_(std::move(prefix)) {}

  template <class T>
  void operator()(const char* name, const T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      texts_.emplace_back(prefix_ + name, value);
    } else if constexpr (std::is_enum_v<T>) {
      texts_.emplace_back(prefix_ + name, name_of(value));
    } else if constexpr (std::is_arithmetic_v<T>) {
      texts_.emplace_back(prefix_ + name, fmt::format("{}", value));
    } else if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) {
      for (const auto& [key, text] : value) texts_.emplace_back(prefix_ + name + "." + key, text);
    } else {
      Flattener nested(prefix_ + name + ".");
      visit_fields(nested, value);
      texts_.insert(texts_.end(), nested.texts_.begin(), nested.texts_.end());
    }
  }

  const NamedTexts& texts() const { return texts_; }

 private:
  std::string prefix_;
  NamedTexts texts_;
};

template <class Record>
NamedTexts flattened(const Record& record) {
  Flattener flattener("");
  visit_fields(flattener, record);
  return flattener.texts();
}

const std::string* find(const NamedTexts& texts, const std::string& name) {
  const auto found = std::find_if(texts.begin(), texts.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  return found == texts.end() ? nullptr : &found->second;
}

template <class Record>
std::vector<Difference> all_differences(const Record& a, const Record& b) {
  const NamedTexts in_a = flattened(a), in_b = flattened(b);
  std::vector<Difference> found;
  for (const auto& [name, text] : in_a) {
    const std::string* other = find(in_b, name);
    if (other == nullptr || *other != text) found.push_back({name, text, other ? *other : ""});
  }
  for (const auto& [name, text] : in_b) {
    if (find(in_a, name) == nullptr) found.push_back({name, "", text});
  }
  return found;
}

}  // namespace

std::vector<Difference> differences(const LayerConfig& a, const LayerConfig& b) {
  return all_differences(a, b);
}

std::vector<Difference> differences(const Environment& a, const Environment& b) {
  return all_differences(a, b);
}

}  // namespace moe::record
