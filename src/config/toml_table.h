// A TOML file as plain values, for the readers of shipped and user tables outside this room. It
// remembers which keys were asked for: a misspelt key is an error, not a default.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "moe/error.h"

namespace moe::config {

/// One table of a file. Every getter throws Error{usage} with file and line when the key is missing
/// (without `_or`) or its value is of another type.
class TomlTable {
 public:
  double number(const std::string& key) const;
  double number_or(const std::string& key, double fallback) const;
  std::string text(const std::string& key) const;
  std::string text_or(const std::string& key, const std::string& fallback) const;
  bool flag_or(const std::string& key, bool fallback) const;
  bool has(const std::string& key) const { return values_.count(key) > 0; }

  /// The tables of `[[key]]` in their order; none when the key is absent.
  const std::vector<TomlTable>& tables(const std::string& key) const;

  /// Throws Error{usage} for a key that no getter asked for, with the nearest one that was.
  void refuse_unknown_keys() const;

  /// An error at this table's place in the file.
  Error error(const std::string& what, const std::string& remedy = {}) const;

 private:
  friend class TomlReader;
  struct Value {
    std::variant<double, std::string, bool> value;
    int line = 0;
  };
  const Value* find(const std::string& key) const;
  template <class Type>
  const Type* find_as(const std::string& key, const char* wanted) const;

  std::string file_;
  int line_ = 0;
  std::map<std::string, Value> values_;
  std::map<std::string, std::vector<TomlTable>> tables_;
  mutable std::set<std::string> asked_;
};

/// Throws Error{usage} for text that is not TOML and for values other than numbers, strings,
/// booleans and arrays of tables. `file` names the text in messages.
TomlTable parse_toml_table(std::string_view text, const std::string& file);

}  // namespace moe::config
