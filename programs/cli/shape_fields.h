// The fields of a shape, each with its flag: what can be overridden, swept, filtered and listed.
#pragma once

#include <string>
#include <vector>

#include "moe/config.h"

namespace moe::programs {

/// What one point of a run measures.
struct Shape {
  ModelConfig model;
  std::string traffic = "natural";  // as --routing takes it
};

struct ShapeField {
  const char* name;  // "num_experts": in JSON, on axes, in --filter
  const char* flag;  // "--num-experts"
  std::string help;
  bool is_number;
  /// Throws Error{usage} for a name that is not known; sizes are judged later, as a whole.
  void (*set)(Shape& shape, const std::string& value);
  std::string (*get)(const Shape& shape);
};

/// In the order of --help. The first is "config", which replaces the whole shape; the last is
/// "routing".
const std::vector<ShapeField>& shape_fields();

/// Null for a name that no field has.
const ShapeField* find_shape_field(const std::string& name);

}  // namespace moe::programs
