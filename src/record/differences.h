// Which fields of two records differ, by the names that record/fields.h gives them: a field that is
// added there is compared without further ado.
#pragma once

#include <vector>

#include "record/comparison.h"

namespace moe::record {

/// Fields that differ, in the order of the list; nested names are joined with a dot ("gate.kind").
/// A value that is absent on one side is empty text.
std::vector<Difference> differences(const LayerConfig& a, const LayerConfig& b);
std::vector<Difference> differences(const Environment& a, const Environment& b);

}  // namespace moe::record
