// Screens of `throughput validate` and `throughput check-table`.
#pragma once

#include <string>

#include "model/published/table_check.h"
#include "model/published/validation.h"

namespace moe::report {

/// The model beside each published point, and how many are near.
std::string validation_text(const model::Validation& validation, const model::Factors& fitted);

/// Findings, table by table.
std::string table_check_text(const model::TableCheck& check);

}  // namespace moe::report
