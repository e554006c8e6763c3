// Comparison of one field with one value.
#include "cli/filter.h"

#include <algorithm>
#include <vector>

#include "cli/value_list.h"
#include "config/nearest_name.h"
#include "moe/error.h"

namespace moe::programs {
namespace {

const char* const kForms = "write it as tokens>=4096, top_k=2 or dtype!=bf16";

template <class Value>
bool holds(const Value& left, const std::string& comparison, const Value& right) {
  if (comparison == "=" || comparison == "==") return left == right;
  if (comparison == "!=") return left != right;
  if (comparison == "<") return left < right;
  if (comparison == "<=") return left <= right;
  if (comparison == ">") return left > right;
  return left >= right;
}

}  // namespace

Filter::Filter(const std::string& text) {
  const std::string what = "--filter '" + text + "'";
  const std::size_t begin = text.find_first_of("=!<>");
  const std::size_t end = text.find_first_not_of("=!<>", begin);
  if (begin == std::string::npos || end == std::string::npos)
    throw Error(ErrorKind::usage, what + ": not a comparison", "", kForms);
  comparison_ = text.substr(begin, end - begin);
  const std::vector<std::string> known = {"=", "==", "!=", "<", "<=", ">", ">="};
  if (std::find(known.begin(), known.end(), comparison_) == known.end())
    throw Error(ErrorKind::usage, what + ": unknown comparison " + comparison_, "", kForms);

  const std::string name = text.substr(0, begin);
  field_ = find_shape_field(name);
  if (field_ == nullptr) {
    std::vector<std::string> names;
    for (const ShapeField& field : shape_fields()) names.emplace_back(field.name);
    throw Error(ErrorKind::usage, what + ": " + config::unknown_name("field", name, names), "",
                "known: " + config::listed(names));
  }
  value_ = text.substr(end);
  if (field_->is_number) {
    if (numbers_of("--filter " + name, value_).size() != 1)
      throw Error(ErrorKind::usage, what + ": one number is compared", "", kForms);
  } else if (comparison_.find_first_of("<>") != std::string::npos) {
    throw Error(ErrorKind::usage, what + ": " + name + " is a word, which is only = or !=", "",
                kForms);
  }
}

bool Filter::keeps(const Shape& shape) const {
  const std::string actual = field_->get(shape);
  if (field_->is_number) return holds(std::stoll(actual), comparison_, std::stoll(value_));
  return holds(actual, comparison_, value_);
}

}  // namespace moe::programs
