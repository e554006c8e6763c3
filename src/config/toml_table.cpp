// toml++ nodes to plain values.
#include "config/toml_table.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include "config/nearest_name.h"

namespace moe::config {

const TomlTable::Value* TomlTable::find(const std::string& key) const {
  asked_.insert(key);
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

template <class Type>
const Type* TomlTable::find_as(const std::string& key, const char* wanted) const {
  const Value* value = find(key);
  if (value == nullptr) return nullptr;
  if (const auto* typed = std::get_if<Type>(&value->value)) return typed;
  throw Error(ErrorKind::usage,
              fmt::format("{}:{}: '{}' must be {}", file_, value->line, key, wanted));
}

double TomlTable::number_or(const std::string& key, double fallback) const {
  const double* value = find_as<double>(key, "a number");
  return value != nullptr ? *value : fallback;
}

std::string TomlTable::text_or(const std::string& key, const std::string& fallback) const {
  const std::string* value = find_as<std::string>(key, "a string");
  return value != nullptr ? *value : fallback;
}

bool TomlTable::flag_or(const std::string& key, bool fallback) const {
  const bool* value = find_as<bool>(key, "true or false");
  return value != nullptr ? *value : fallback;
}

double TomlTable::number(const std::string& key) const {
  if (!has(key)) throw error("'" + key + "' is missing");
  return number_or(key, 0);
}

std::string TomlTable::text(const std::string& key) const {
  if (!has(key)) throw error("'" + key + "' is missing");
  return text_or(key, "");
}

const std::vector<TomlTable>& TomlTable::tables(const std::string& key) const {
  static const std::vector<TomlTable> kNone;
  asked_.insert(key);
  const auto found = tables_.find(key);
  return found == tables_.end() ? kNone : found->second;
}

void TomlTable::refuse_unknown_keys() const {
  const std::vector<std::string> known(asked_.begin(), asked_.end());
  for (const auto& [key, value] : values_) {
    if (asked_.count(key) > 0) continue;
    throw Error(ErrorKind::usage,
                fmt::format("{}:{}: {}", file_, value.line, unknown_name("key", key, known)), "",
                "known here: " + listed(known));
  }
  for (const auto& [key, tables] : tables_) {
    if (asked_.count(key) == 0) throw tables.front().error(unknown_name("table", key, known));
  }
}

Error TomlTable::error(const std::string& what, const std::string& remedy) const {
  return Error(ErrorKind::usage, fmt::format("{}:{}: {}", file_, line_, what), "", remedy);
}

/// Fills TomlTables; the one place that sees toml++'s types.
class TomlReader {
 public:
  explicit TomlReader(const std::string& file) : file_(file) {}

  TomlTable read(const toml::table& source) const {
    TomlTable table;
    table.file_ = file_;
    table.line_ = line_of(source);
    for (const auto& [key, node] : source) add(table, std::string(key.str()), node);
    return table;
  }

 private:
  static int line_of(const toml::node& node) { return static_cast<int>(node.source().begin.line); }

  void add(TomlTable& table, const std::string& key, const toml::node& node) const {
    const int line = line_of(node);
    if (node.is_number()) {
      table.values_[key] = {*node.value<double>(), line};
    } else if (node.is_string()) {
      table.values_[key] = {*node.value<std::string>(), line};
    } else if (node.is_boolean()) {
      table.values_[key] = {*node.value<bool>(), line};
    } else if (node.is_array_of_tables()) {
      for (const toml::node& item : *node.as_array()) {
        table.tables_[key].push_back(read(*item.as_table()));
      }
    } else {
      throw Error(ErrorKind::usage,
                  fmt::format("{}:{}: '{}' is none of number, string, true or false, [[tables]]",
                              file_, line, key));
    }
  }

  const std::string& file_;
};

TomlTable parse_toml_table(std::string_view text, const std::string& file) {
  try {
    return TomlReader(file).read(toml::parse(text, file));
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::usage,
                fmt::format("{}:{}: not valid TOML", file, error.source().begin.line),
                std::string(error.description()));
  }
}

}  // namespace moe::config
