// Axes, their product, and what of it is measured.
#include "cli/sweep.h"

#include "cli/filter.h"
#include "cli/value_list.h"
#include "config/validate.h"
#include "moe/error.h"

namespace moe::programs {
namespace {

constexpr std::size_t kMostPoints = 10'000;

struct Axis {
  const ShapeField* field;
  std::vector<std::string> values;
};

/// The given fields in the order of the table, with "config" always first.
std::vector<Axis> axes_of(const ShapeFlags& flags) {
  std::vector<Axis> axes;
  std::size_t points = 1;
  for (const ShapeField& field : shape_fields()) {
    const auto given = flags.given.find(field.name);
    if (given == flags.given.end()) continue;
    axes.push_back({&field, field.is_number ? numbers_of(field.flag, given->second)
                                            : words_of(field.flag, given->second)});
    if (!field.is_number) {  // a misspelt name is an error, not an invalid point
      Shape scratch;
      for (const std::string& word : axes.back().values) field.set(scratch, word);
    }
    points *= axes.back().values.size();
    if (points > kMostPoints) {
      throw Error(ErrorKind::usage, "the sweep has more than 10,000 points", "",
                  "give fewer values, or several runs");
    }
  }
  return axes;
}

/// The values of one point, one index per axis; the last axis changes fastest.
std::vector<std::size_t> indices_of(const std::vector<Axis>& axes, std::size_t point) {
  std::vector<std::size_t> indices(axes.size());
  for (std::size_t i = axes.size(); i-- > 0;) {
    indices[i] = point % axes[i].values.size();
    point /= axes[i].values.size();
  }
  return indices;
}

bool all_keep(const std::vector<Filter>& filters, const Shape& shape) {
  for (const Filter& filter : filters) {
    if (!filter.keeps(shape)) return false;
  }
  return true;
}

std::map<std::string, std::string> values_at(const std::vector<Axis>& axes, std::size_t point) {
  std::map<std::string, std::string> values;
  const std::vector<std::size_t> indices = indices_of(axes, point);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    values[axes[i].field->name] = axes[i].values[indices[i]];
  }
  return values;
}

void validate(const Shape& shape) {
  if (shape.model.unsupported) {
    throw Error(ErrorKind::usage, "config '" + shape.model.name + "' is not supported",
                *shape.model.unsupported);
  }
  config::validate(shape.model);
}

/// Adds the point with these values of all axes where it belongs: measured, filtered or invalid.
void add_point(const std::vector<Axis>& axes, const std::vector<Filter>& filters,
               std::map<std::string, std::string> values, Sweep& sweep) {
  ShapePoint point;
  try {
    for (const Axis& axis : axes) axis.field->set(point.shape, values.at(axis.field->name));
    if (!all_keep(filters, point.shape)) {
      ++sweep.filtered;
      return;
    }
    validate(point.shape);
  } catch (const Error& error) {
    if (sweep.fields.empty()) throw;
    const std::string reason = error.what();
    sweep.invalid.push_back({label_of(sweep.fields, values), reason.substr(0, reason.find('\n'))});
    return;
  }
  for (const std::string& field : sweep.fields) point.values[field] = values.at(field);
  sweep.points.push_back(std::move(point));
}

[[noreturn]] void refuse_empty(const Sweep& sweep) {
  if (!sweep.invalid.empty()) {
    throw Error(ErrorKind::usage, "no point of the sweep is possible",
                sweep.invalid.front().label + ": " + sweep.invalid.front().reason);
  }
  throw Error(ErrorKind::usage, "--filter leaves no point", "", "drop a filter or add values");
}

/// Two ways to say the same thing would hide one of them.
void refuse_tokens_twice(const ShapeFlags& flags) {
  if (!flags.given.contains("tokens")) return;
  if (!flags.given.contains("batch_size") && !flags.given.contains("seq_len")) return;
  throw Error(ErrorKind::usage, "--tokens stands in the place of --batch-size and --seq-len", "",
              "give --tokens alone, or the other two");
}

}  // namespace

std::string label_of(const std::vector<std::string>& fields,
                     const std::map<std::string, std::string>& values) {
  std::string label;
  for (const std::string& field : fields) {
    label += (label.empty() ? "" : " ") + field + "=" + values.at(field);
  }
  return label;
}

Sweep sweep_of(const ShapeFlags& flags, const std::vector<std::string>& filters) {
  refuse_tokens_twice(flags);
  const std::vector<Filter> conditions(filters.begin(), filters.end());
  const std::vector<Axis> axes = axes_of(flags);
  Sweep sweep;
  std::size_t count = 1;
  for (const Axis& axis : axes) {
    if (axis.values.size() > 1) sweep.fields.emplace_back(axis.field->name);
    count *= axis.values.size();
  }
  for (std::size_t point = 0; point < count; ++point) {
    add_point(axes, conditions, values_at(axes, point), sweep);
  }
  if (sweep.points.empty()) refuse_empty(sweep);
  return sweep;
}

}  // namespace moe::programs
