// validate, check-table, factors: no measurement, no files.
#include <fmt/format.h>

#include <iostream>

#include "config/text_file.h"
#include "model/published/shipped.h"
#include "model/published/validation.h"
#include "moe/error.h"
#include "report/throughput/throughput_text.h"
#include "report/throughput/validation_text.h"
#include "throughput/commands.h"

namespace moe::programs {
namespace {

/// The file that was named, or the one that is built in.
config::TomlTable read_table(const std::filesystem::path& file, std::string_view shipped,
                             const char* shipped_name) {
  if (file.empty()) return config::parse_toml_table(shipped, shipped_name);
  return config::parse_toml_table(config::read_text_file(file), file.string());
}

}  // namespace

int validate_command(const ThroughputOptions& options) {
  const model::PublishedPoints points = model::read_published_points(
      read_table(options.file, model::published_points_toml(), "published_points.toml"));
  model::FactorRange factors = model::default_factors();
  factors.base = model::fit(points.runs, factors.base);
  const model::Validation validation = model::validate(points, factors);
  std::cout << report::validation_text(validation, factors.base);
  if (validation.good >= model::kWantedGood) return 0;
  std::cerr << fmt::format("error: only {} points are within {:.0f} %, {} are wanted\n",
                           validation.good, 100 * model::kGoodError, model::kWantedGood);
  return exit_code(ErrorKind::regression);
}

int check_table_command(const ThroughputOptions& options) {
  const model::TableCheck check = model::check_table(
      read_table(options.file, model::expected_results_toml(), "expected_results.toml"));
  std::cout << report::table_check_text(check);
  return check.has_contradictions() ? exit_code(ErrorKind::check_failed) : 0;
}

int factors_command() {
  std::cout << report::factors_text();
  return 0;
}

}  // namespace moe::programs
