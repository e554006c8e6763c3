// The data files of data/, built into the programs: they need no installed files.
#pragma once

#include <string_view>

namespace moe::model {

std::string_view expected_results_toml();  // data/expected_results.toml
std::string_view published_points_toml();  // data/published_points.toml

}  // namespace moe::model
