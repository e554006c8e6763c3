// A validator of the part of JSON Schema (2020-12) that docs/schema uses: $ref into $defs, type,
// const, enum, properties, required, items, additionalProperties of maps. Stricter than the
// standard in one point, which is the point of the tests: a field that the schema does not list is
// an error.
#pragma once

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace moe::support {

using Json = nlohmann::json;

class JsonSchema {
 public:
  explicit JsonSchema(Json schema) : schema_(std::move(schema)) {}

  static JsonSchema load(const std::string& file) {
    std::ifstream stream(file);
    return JsonSchema(Json::parse(stream));
  }

  const Json& json() const { return schema_; }

  /// What is wrong with `value`, by path. `definition` is a name below $defs; empty = the whole.
  std::vector<std::string> problems(const Json& value, const std::string& definition = "") const {
    std::vector<std::string> found;
    check(value, definition.empty() ? schema_ : schema_.at("$defs").at(definition), "", found);
    return found;
  }

  /// `rule`, or what it refers to.
  const Json& resolved(const Json& rule) const {
    if (!rule.contains("$ref")) return rule;
    const std::string prefix = "#/$defs/", reference = rule.at("$ref");
    return resolved(schema_.at("$defs").at(reference.substr(prefix.size())));
  }

 private:
  using Problems = std::vector<std::string>;

  void check(const Json& value, const Json& given, const std::string& path, Problems& found) const {
    if (given.contains("anyOf")) return check_any(value, given.at("anyOf"), path, found);
    const Json& rule = resolved(given);
    if (rule.contains("anyOf")) return check_any(value, rule.at("anyOf"), path, found);
    if (rule.contains("const") && value != rule.at("const"))
      found.push_back(path + ": not " + rule.at("const").dump());
    if (rule.contains("enum") &&
        std::find(rule.at("enum").begin(), rule.at("enum").end(), value) == rule.at("enum").end())
      found.push_back(path + ": not in the list: " + value.dump());
    if (rule.contains("type") && !has_type(value, rule.at("type"))) {
      found.push_back(path + ": not of type " + rule.at("type").dump() + ": " + value.dump());
      return;
    }
    if (value.is_object()) check_object(value, rule, path, found);
    if (value.is_array() && rule.contains("items")) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        check(value[i], rule.at("items"), path + "[" + std::to_string(i) + "]", found);
      }
    }
  }

  void check_any(const Json& value, const Json& rules, const std::string& path,
                 Problems& found) const {
    Problems longest;  // of the alternative that came furthest
    for (const Json& rule : rules) {
      Problems with_this;
      check(value, rule, path, with_this);
      if (with_this.empty()) return;
      if (longest.size() < with_this.size()) longest = with_this;
    }
    found.insert(found.end(), longest.begin(), longest.end());
  }

  void check_object(const Json& value, const Json& rule, const std::string& path,
                    Problems& found) const {
    const Json properties = rule.value("properties", Json::object());
    for (const auto& [key, inner] : value.items()) {
      const std::string at = path + "/" + key;
      if (properties.contains(key)) {
        check(inner, properties.at(key), at, found);
      } else if (rule.contains("additionalProperties")) {
        check(inner, rule.at("additionalProperties"), at, found);
      } else {
        found.push_back(at + ": the schema does not list it");
      }
    }
    for (const Json& key : rule.value("required", Json::array())) {
      if (!value.contains(key.get<std::string>()))
        found.push_back(path + "/" + key.get<std::string>() + ": missing");
    }
  }

  static bool has_type(const Json& value, const Json& type) {
    if (type.is_array()) {
      return std::any_of(type.begin(), type.end(),
                         [&](const Json& one) { return has_type(value, one); });
    }
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    return type == value.type_name();  // object, array, string, boolean, null
  }

  Json schema_;
};

}  // namespace moe::support
