// Writer and reader that walk the field lists of record/fields.h.
#include "record/json.h"

#include <cmath>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "moe/error.h"
#include "record/fields.h"
#include "record/gpu_bench.h"
#include "record/memory_fields.h"

namespace moe::record {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kOlderSchema = "moe-bench/1";  // the same fields, but none of sweeps

template <class>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class>
inline constexpr bool is_string_map = false;
template <>
inline constexpr bool is_string_map<std::map<std::string, std::string>> = true;

// Enums count from 0 to their last value, so names are found by trying each.
template <class Enum>
inline constexpr Enum last_value = Enum{};
template <>
inline constexpr Activation last_value<Activation> = Activation::relu2;
template <>
inline constexpr UpLayout last_value<UpLayout> = UpLayout::interleaved;
template <>
inline constexpr GateKind last_value<GateKind> = GateKind::sigmoid;
template <>
inline constexpr AttentionKind last_value<AttentionKind> = AttentionKind::latent;
template <>
inline constexpr RoundingRule last_value<RoundingRule> = RoundingRule::balance;
template <>
inline constexpr DType last_value<DType> = DType::i64;
template <>
inline constexpr Status last_value<Status> = Status::skipped;

class Writer {
 public:
  template <class T>
  void operator()(const char* name, const T& value) {
    object_[name] = to_value(value);
  }

  template <class T>
  static Json to_value(const T& value) {
    if constexpr (is_vector<T>) {
      Json array = Json::array();
      for (const auto& element : value) array.push_back(to_value(element));
      return array;
    } else if constexpr (is_optional<T>) {
      return value ? to_value(*value) : Json(nullptr);
    } else if constexpr (is_string_map<T>) {
      Json object = Json::object();
      for (const auto& [key, text] : value) object[key] = text;
      return object;
    } else if constexpr (std::is_enum_v<T>) {
      return Json(name_of(value));
    } else if constexpr (std::is_floating_point_v<T>) {
      return std::isfinite(value) ? Json(value) : Json(nullptr);
    } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
      return Json(value);
    } else {
      Writer nested;
      visit_fields(nested, value);
      return nested.object_;
    }
  }

 private:
  Json object_ = Json::object();
};

/// A value in a message. Lists and objects are named, not shown: the library's writer is recursive,
/// and a file can be nested as deep as it is long.
std::string in_words(const Json& json) {
  if (json.is_array()) return "a list";
  if (json.is_object()) return "an object";
  const std::string shown = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return shown.size() > 40 ? shown.substr(0, 37) + "..." : shown;
}

class Reader {
 public:
  Reader(const Json& object, const std::string& path, const std::string& file_name)
      : object_(object), path_(path), file_name_(file_name) {
    if (!object.is_object()) fail(path, "an object", object);
  }

  template <class T>
  void operator()(const char* name, T& value) const {
    const auto found = object_.find(name);
    if (found != object_.end()) read(*found, path_.empty() ? name : path_ + "." + name, value);
  }

 private:
  template <class T>
  void read(const Json& json, const std::string& path, T& value) const {
    if constexpr (is_optional<T>) {
      if (json.is_null()) return value.reset();
      read(json, path, value.emplace());
    } else if constexpr (std::is_floating_point_v<T>) {
      if (!json.is_number() && !json.is_null()) fail(path, "a number", json);
      value = json.is_null() ? std::numeric_limits<T>::quiet_NaN() : json.get<T>();
    } else if (json.is_null()) {
      return;
    } else if constexpr (is_vector<T>) {
      read_array(json, path, value);
    } else if constexpr (is_string_map<T>) {
      if (!json.is_object()) fail(path, "an object", json);
      for (const auto& [key, text] : json.items()) read(text, path + "." + key, value[key]);
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (!json.is_string()) fail(path, "a string", json);
      value = json.get<std::string>();
    } else if constexpr (std::is_same_v<T, bool>) {
      if (!json.is_boolean()) fail(path, "true or false", json);
      value = json.get<bool>();
    } else if constexpr (std::is_integral_v<T>) {
      read_integer(json, path, value);
    } else if constexpr (std::is_enum_v<T>) {
      read_enum(json, path, value);
    } else {
      const Reader nested(json, path, file_name_);
      visit_fields(nested, value);
    }
  }

  template <class T>
  void read_array(const Json& json, const std::string& path, std::vector<T>& value) const {
    if (!json.is_array()) fail(path, "a list", json);
    value.assign(json.size(), T{});
    for (std::size_t i = 0; i < json.size(); ++i) {
      read(json[i], path + "[" + std::to_string(i) + "]", value[i]);
    }
  }

  template <class T>
  void read_integer(const Json& json, const std::string& path, T& value) const {
    const bool fits = json.is_number_unsigned()
                          ? std::in_range<T>(json.get<std::uint64_t>())
                          : json.is_number_integer() && std::in_range<T>(json.get<std::int64_t>());
    if (!fits) fail(path, "an integer in range", json);
    value = json.get<T>();
  }

  template <class Enum>
  void read_enum(const Json& json, const std::string& path, Enum& value) const {
    std::string known;
    for (int i = 0; i <= static_cast<int>(last_value<Enum>); ++i) {
      const auto candidate = static_cast<Enum>(i);
      if (json.is_string() && json.get_ref<const std::string&>() == name_of(candidate)) {
        value = candidate;
        return;
      }
      known += (i == 0 ? "" : ", ") + std::string(name_of(candidate));
    }
    fail(path, "one of " + known, json);
  }

  [[noreturn]] void fail(const std::string& path, const std::string& expected,
                         const Json& found) const {
    throw Error(ErrorKind::usage, "cannot read " + file_name_,
                (path.empty() ? "the file" : path) + " should be " + expected + ", found " +
                    in_words(found),
                "it was changed by hand or written by another version");
  }

  const Json& object_;
  std::string path_;
  const std::string& file_name_;
};

Json parse(const std::string& text, const std::string& file_name) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw Error(ErrorKind::usage, "cannot read " + file_name,
                "it is truncated or not JSON (at byte " + std::to_string(error.byte) + " of " +
                    std::to_string(text.size()) + ")",
                "a run's folder keeps every finished point in points.jsonl");
  } catch (const Json::out_of_range&) {
    throw Error(ErrorKind::usage, "cannot read " + file_name,
                "it holds a number beyond double range");
  }
}

std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

/// A file that says of itself that it has one of these schemas; the first is today's.
Json parse_schema(const std::string& text, const std::string& file_name,
                  std::initializer_list<const char*> schemas) {
  Json json = parse(text, file_name);
  if (!json.is_object() || !json.contains("schema")) {
    throw Error(ErrorKind::usage, "cannot read " + file_name,
                "it is not a run of this suite (no \"schema\")",
                "runs are saved as <out>/runs/<id>/run.json");
  }
  for (const char* schema : schemas) {
    if (json["schema"] == schema) return json;
  }
  throw Error(ErrorKind::usage, "cannot read " + file_name,
              "its schema is " + in_words(json["schema"]) + ", this program reads \"" +
                  *schemas.begin() + "\"",
              "read it with the program and version that wrote it");
}

/// A file of its own says first what it is.
template <class Record>
std::string with_schema(const char* schema, const Record& record) {
  Json json = Json::object();
  json["schema"] = schema;
  json.update(Writer::to_value(record));
  return dump(json, 2) + "\n";
}

}  // namespace

std::string to_json(const Run& run) {
  return with_schema(kSchema, run);
}

std::string to_json(const Comparison& comparison) {
  return with_schema(kComparisonSchema, comparison);
}

std::string to_json(const MemoryRun& run) {
  return with_schema(kMemorySchema, run);
}

std::string to_json(const PointComparison& point) {
  return dump(Writer::to_value(point), -1);
}

std::string to_json(const ModelConfig& model) {
  return dump(Writer::to_value(model), 2);
}

std::string to_json(const Row& row) {
  return dump(Writer::to_value(row), -1);
}

Run run_from_json(const std::string& text, const std::string& file_name) {
  const Json json = parse_schema(text, file_name, {kSchema, kOlderSchema});
  Run run;
  const Reader reader(json, "", file_name);
  visit_fields(reader, run);
  return run;
}

GpuBench gpu_bench_from_json(const std::string& text, const std::string& file_name) {
  const Json json = parse(text, file_name);
  if (!json.is_object() || !json.contains("schema") || json["schema"] != kGpuBenchSchema) {
    throw Error(ErrorKind::usage, "cannot read " + file_name,
                std::string("it is no record of schema \"") + kGpuBenchSchema + "\"",
                "tools/gpu_bench writes them");
  }
  GpuBench bench;
  const Reader reader(json, "", file_name);
  visit_fields(reader, bench);
  return bench;
}

MemoryRun memory_run_from_json(const std::string& text, const std::string& file_name) {
  const Json json = parse_schema(text, file_name, {kMemorySchema});
  MemoryRun run;
  const Reader reader(json, "", file_name);
  visit_fields(reader, run);
  return run;
}

Row row_from_json(const std::string& text, const std::string& file_name) {
  const Json json = parse(text, file_name);
  Row row;
  const Reader reader(json, "", file_name);
  visit_fields(reader, row);
  return row;
}

}  // namespace moe::record
