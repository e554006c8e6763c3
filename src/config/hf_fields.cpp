// Checks before every conversion: the JSON library would convert 2.7 to 2 and true to 1 in silence.
#include "config/hf_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "moe/error.h"

namespace moe::config {

using nlohmann::json;

namespace {

/// null, false, 0, "", [] and {}: the file says that there is no such thing.
bool says_nothing(const json& value) {
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number()) return value.get<double>() == 0;
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.empty();
}

}  // namespace

bool HfFields::has(const char* key) const {
  read_.insert(key);
  const auto found = object_.find(key);
  return found != object_.end() && !found->is_null();
}

bool HfFields::is_null(const char* key) const {
  read_.insert(key);
  const auto found = object_.find(key);
  return found != object_.end() && found->is_null();
}

std::int64_t HfFields::size(const char* key) const {
  return whole(key, required(key), 1);
}

std::int64_t HfFields::size_or(const char* key, std::int64_t otherwise) const {
  return has(key) ? size(key) : otherwise;
}

std::int64_t HfFields::count_or(const char* key, std::int64_t otherwise) const {
  return has(key) ? whole(key, object_.at(key), 0) : otherwise;
}

double HfFields::number_or(const char* key, double otherwise) const {
  if (!has(key)) return otherwise;
  const json& value = object_.at(key);
  if (!value.is_number()) wrong_type(key, "a number", value);
  return value.get<double>();
}

bool HfFields::flag_or(const char* key, bool otherwise) const {
  if (!has(key)) return otherwise;
  const json& value = object_.at(key);
  if (!value.is_boolean()) wrong_type(key, "true or false", value);
  return value.get<bool>();
}

std::string HfFields::text(const char* key) const {
  const json& value = required(key);
  if (!value.is_string()) wrong_type(key, "a string", value);
  return value.get<std::string>();
}

std::string HfFields::text_or(const char* key, const std::string& otherwise) const {
  return has(key) ? text(key) : otherwise;
}

std::vector<std::int64_t> HfFields::counts(const char* key) const {
  std::vector<std::int64_t> values;
  if (!has(key)) return values;
  const json& list = object_.at(key);
  if (!list.is_array()) wrong_type(key, "a list of whole numbers", list);
  for (const json& value : list) values.push_back(whole(key, value, 0));
  return values;
}

std::vector<std::string> HfFields::texts(const char* key) const {
  std::vector<std::string> values;
  if (!has(key)) return values;
  const json& list = object_.at(key);
  if (!list.is_array()) wrong_type(key, "a list of strings", list);
  for (const json& value : list) {
    if (!value.is_string()) wrong_type(key, "a list of strings", value);
    values.push_back(value.get<std::string>());
  }
  return values;
}

std::int64_t HfFields::size_of_all(const char* key) const {
  if (!required(key).is_array()) return size(key);
  const std::vector<std::int64_t> values = counts(key);
  if (values.empty() || std::ranges::count(values, values[0]) != std::ssize(values) ||
      values[0] < 1) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: field '{}' must be the same size for every layer", file_, key));
  }
  return values[0];
}

HfFields HfFields::object(const char* key) const {
  const json& value = required(key);
  if (!value.is_object()) wrong_type(key, "an object", value);
  return HfFields(value, file_);
}

std::vector<std::string> HfFields::unread() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : object_.items()) {
    if (!read_.contains(name) && !says_nothing(value)) names.push_back(name);
  }
  return names;
}

const json& HfFields::required(const char* key) const {
  if (has(key)) return object_.at(key);
  throw Error(ErrorKind::usage, fmt::format("{}: field '{}' is missing", file_, key), {},
              "is it the model's own config.json?");
}

std::int64_t HfFields::whole(const char* key, const json& value, std::int64_t smallest) const {
  constexpr std::int64_t kLargest = std::int64_t{1}
                                    << 24;  // no model is within a factor of 20 of it
  if (!value.is_number_integer()) wrong_type(key, "a whole number", value);
  const bool too_large = value.is_number_unsigned() && value.get<std::uint64_t>() > kLargest;
  if (too_large || value.get<std::int64_t>() < smallest) {
    throw Error(ErrorKind::usage, fmt::format("{}: field '{}' is {}: it must be from {} to {}",
                                              file_, key, value.dump(), smallest, kLargest));
  }
  return value.get<std::int64_t>();
}

void HfFields::wrong_type(const char* key, const char* wanted, const json& value) const {
  throw Error(ErrorKind::usage, fmt::format("{}: field '{}' must be {}, not of type {}", file_, key,
                                            wanted, value.type_name()));
}

}  // namespace moe::config
