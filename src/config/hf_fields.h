// Typed access to the fields of a Hugging Face config.json; every complaint names file and field.
// A field that is null counts as absent, as it does for the library that writes these files.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace moe::config {

class HfFields {
 public:
  /// `object` must outlive this; `file` is what messages start with.
  HfFields(const nlohmann::json& object, std::string file)
      : object_(object), file_(std::move(file)) {}

  // Asking for a field in any way marks it as read; see unread().
  bool has(const char* key) const;
  bool is_null(const char* key) const;

  // Each throws Error{usage} when the field is missing (unless there is an `otherwise`) or of
  // another type.
  std::int64_t size(const char* key) const;  // a whole number from 1 to 16777216
  std::int64_t size_or(const char* key, std::int64_t otherwise) const;
  std::int64_t count_or(const char* key, std::int64_t otherwise) const;  // the same from 0
  double number_or(const char* key, double otherwise) const;
  bool flag_or(const char* key, bool otherwise) const;
  std::string text(const char* key) const;
  std::string text_or(const char* key, const std::string& otherwise) const;
  std::vector<std::int64_t> counts(const char* key) const;  // empty when absent
  std::vector<std::string> texts(const char* key) const;    // empty when absent
  /// A size that may be given as a list with one entry per layer; all must be equal.
  std::int64_t size_of_all(const char* key) const;
  /// An object within this one.
  HfFields object(const char* key) const;

  /// Names of the fields that nobody asked for and that say something: neither null, false, 0 nor
  /// empty. In the order of the file's reader, which is the alphabet's.
  std::vector<std::string> unread() const;

  const std::string& file() const { return file_; }

 private:
  const nlohmann::json& required(const char* key) const;
  std::int64_t whole(const char* key, const nlohmann::json& value, std::int64_t smallest) const;
  [[noreturn]] void wrong_type(const char* key, const char* wanted,
                               const nlohmann::json& value) const;

  const nlohmann::json& object_;
  std::string file_;
  mutable std::set<std::string> read_;
};

}  // namespace moe::config
