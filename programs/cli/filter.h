// --filter: conditions that a point of a sweep must meet.
#pragma once

#include <string>

#include "cli/shape_fields.h"

namespace moe::programs {

/// "tokens>=4096", "top_k=2", "dtype!=bf16": a field, one of = != < <= > >=, a value. Words know
/// only = and !=.
class Filter {
 public:
  /// Throws Error{usage}.
  explicit Filter(const std::string& text);

  bool keeps(const Shape& shape) const;

 private:
  const ShapeField* field_;
  std::string comparison_, value_;
};

}  // namespace moe::programs
