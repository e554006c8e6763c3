// CLI11 definitions of the flags of `compare`.
#include "bench/compare_flags.h"

#include <CLI/CLI.hpp>

#include "cli/fraction.h"

namespace moe::programs {

void add_compare_flags(CLI::App& app, CompareFlags& flags) {
  app.add_option("a", flags.a, "the run before: id, folder, run.json, last or last~N")
      ->type_name("RUN")
      ->capture_default_str();
  app.add_option("b", flags.b, "the run after")->type_name("RUN")->capture_default_str();
  const auto add_fraction = [&app](const std::string& name, auto& value, const char* help) {
    const auto parse = [name, &value](const std::string& text) {
      value = parse_fraction(name, text);
    };
    return app.add_option_function<std::string>(name, parse, help)->type_name("PERCENT");
  };
  add_fraction("--threshold", flags.threshold, "smallest change that counts")->default_str("2%");
  add_fraction("--fail-on-regression", flags.fail_on_regression,
               "exit 4 when a point is slower by more, or has lost its time");
  app.add_flag("--each-pass", flags.each_pass, "forward and backward besides the total");
  app.add_flag("--force", flags.force, "compare runs of different shape, routing or device");
}

}  // namespace moe::programs
