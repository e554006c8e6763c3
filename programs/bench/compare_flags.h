// Flags of `compare`.
#pragma once

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace moe::programs {

struct CompareFlags {
  std::string a = "last~1", b = "last";
  double threshold = 0.02;
  std::optional<double> fail_on_regression;  // a fraction, like threshold
  bool each_pass = false, force = false;
};

void add_compare_flags(CLI::App& app, CompareFlags& flags);

}  // namespace moe::programs
