// From flags with several values each to the shapes that are measured.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cli/shape_flags.h"

namespace moe::programs {

struct ShapePoint {
  std::map<std::string, std::string> values;  // of the swept fields: "tokens" -> "512"
  Shape shape;                                // valid
};

/// A point that cannot be.
struct InvalidPoint {
  std::string label;   // "num_experts=8 top_k=16"
  std::string reason;  // "--top-k 16 is larger than --num-experts 8"
};

/// One shape, or the cross product of all values.
struct Sweep {
  std::vector<std::string> fields;  // that have several values; empty = one shape
  std::vector<ShapePoint> points;   // the first field's value changes slowest; never empty
  std::vector<InvalidPoint> invalid;
  std::int64_t filtered = 0;  // points that a filter dropped
};

/// "tokens=512 top_k=2"; empty without fields.
std::string label_of(const std::vector<std::string>& fields,
                     const std::map<std::string, std::string>& values);

/// Throws Error{usage} for values that are none, for a single shape that is invalid, and when no
/// point is left.
Sweep sweep_of(const ShapeFlags& flags, const std::vector<std::string>& filters);

}  // namespace moe::programs
