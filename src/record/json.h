// Runs and rows as JSON text, schema "moe-bench/2". Keys are the field names of record/record.h;
// enums stand by name, an absent value is null, and so is a number that JSON cannot hold (NaN,
// infinity).
#pragma once

#include <string>

#include "record/comparison.h"
#include "record/memory_run.h"
#include "record/record.h"

namespace moe::record {

/// A whole run, indented for people and diffs. Reading it back gives the same values, to the last
/// bit.
std::string to_json(const Run& run);

/// One row on one line, without a newline: the form of points.jsonl.
std::string to_json(const Row& row);

/// A configuration alone, indented.
std::string to_json(const ModelConfig& model);

/// A comparison of two runs, indented; schema "moe-compare/1".
std::string to_json(const Comparison& comparison);

/// One point of it on one line, without a newline.
std::string to_json(const PointComparison& point);

/// What memory_analysis found, indented; schema "moe-memory/1".
std::string to_json(const MemoryRun& run);

/// Unknown fields are ignored, absent and null ones keep their defaults (a null number becomes
/// NaN). `file_name` stands in messages only. Throws Error{usage} when the text is not a run of
/// this schema.
Run run_from_json(const std::string& text, const std::string& file_name);

/// Throw Error{usage} like run_from_json().
MemoryRun memory_run_from_json(const std::string& text, const std::string& file_name);
Row row_from_json(const std::string& text, const std::string& file_name);

}  // namespace moe::record
