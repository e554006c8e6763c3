// The rules of check_table() for each kind of table.
#pragma once

#include <vector>

#include "model/published/table_check.h"

namespace moe::model {

/// Units that must follow from each other, and rates that the GPUs must be able to reach.
void check_throughput(const config::TomlTable& table, std::vector<Finding>& findings);

/// Times of one layer against its arithmetic and the reading of its weights.
void check_latency(const config::TomlTable& table, std::vector<Finding>& findings);

/// Bytes against the formulas of the captioned layer, and the nearest reading that fits.
void check_memory(const config::TomlTable& table, std::vector<Finding>& findings);

/// Entries this much apart are the same figure, rounded: three printed digits.
inline constexpr double kRounding = 0.02;

}  // namespace moe::model
