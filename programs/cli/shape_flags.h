// The flags that say which layer is meant, alike in every program.
#pragma once

#include <map>
#include <string>

#include "cli/shape_fields.h"

namespace CLI {
class App;
}

namespace moe::programs {

/// Shape flags as given, by field name; an absent one keeps the configuration's value.
struct ShapeFlags {
  std::map<std::string, std::string> given = {{"config", "small"}};
};

/// Adds them to `app` as the group "Shape", all but --routing.
void add_shape_flags(CLI::App& app, ShapeFlags& shape);

/// Adds the flag of one field to a group.
void add_shape_flag(CLI::App& app, ShapeFlags& shape, const ShapeField& field, const char* group);

/// The configuration with every given flag in place, valid. Throws Error{usage}, also where a flag
/// has several values.
ModelConfig resolve_model(const ShapeFlags& shape);

}  // namespace moe::programs
