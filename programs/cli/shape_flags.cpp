// One flag per field of cli/shape_fields.
#include "cli/shape_flags.h"

#include <CLI/CLI.hpp>

#include "cli/sweep.h"
#include "moe/error.h"

namespace moe::programs {

void add_shape_flag(CLI::App& app, ShapeFlags& shape, const ShapeField& field, const char* group) {
  const auto store = [&shape, name = field.name](const std::string& text) {
    shape.given[name] = text;
  };
  CLI::Option* option = app.add_option_function<std::string>(field.flag, store, field.help)
                            ->type_name(field.is_number ? "N" : "NAME")
                            ->group(group);
  const auto preset = shape.given.find(field.name);
  if (preset != shape.given.end()) option->default_str(preset->second);
}

void add_shape_flags(CLI::App& app, ShapeFlags& shape) {
  for (const ShapeField& field : shape_fields()) {
    if (std::string(field.name) != "routing") add_shape_flag(app, shape, field, "Shape");
  }
  app.get_option("--config")->type_name("CONFIG");
}

ModelConfig resolve_model(const ShapeFlags& shape) {
  const Sweep sweep = sweep_of(shape, {});
  if (!sweep.fields.empty()) {
    throw Error(ErrorKind::usage, "--" + sweep.fields.front() + ": several values", "",
                "this program takes one shape at a time");
  }
  return sweep.points.front().shape.model;
}

}  // namespace moe::programs
