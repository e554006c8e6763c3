// What must be equal for two halves of a run to be one.
#include "bench/resume.h"

#include "moe/error.h"
#include "record/differences.h"
#include "record/json.h"
#include "record/store.h"
#include "record/sweep.h"

namespace moe::programs {
namespace {

[[noreturn]] void refuse(const std::string& what, const std::string& saved,
                         const std::string& now) {
  throw Error(ErrorKind::usage, "the run to resume is another one",
              what + " was " + saved + " and is " + now,
              "start it anew, or resume it with --resume alone");
}

void compare_requests(const record::Run& saved, const record::Run& now) {
  for (const auto& [flag, value] : now.request) {
    const auto before = saved.request.find(flag);
    const std::string old = before == saved.request.end() ? "not recorded" : before->second;
    if (old != value) refuse(flag, old, value);
  }
}

/// Shapes by label, model and traffic.
void compare_shapes(const record::Run& saved, const record::Run& now) {
  const auto before = record::points_of(saved), after = record::points_of(now);
  if (before.size() != after.size() || saved.swept != now.swept) {
    refuse("the number of points", std::to_string(before.size()), std::to_string(after.size()));
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    const std::string point = saved.points.empty() ? "" : " of point " + std::to_string(i + 1);
    for (const auto& each : record::differences(before[i].model.layer, after[i].model.layer))
      refuse(each.field + point, each.a, each.b);
    if (before[i].model.tokens() != after[i].model.tokens()) {
      refuse("tokens" + point, std::to_string(before[i].model.tokens()),
             std::to_string(after[i].model.tokens()));
    }
    if (before[i].traffic != after[i].traffic)
      refuse("--routing" + point, before[i].traffic, after[i].traffic);
  }
}

void compare_machines(const record::Run& saved, const record::Run& now) {
  for (const auto& each : record::differences(saved.environment, now.environment)) {
    const bool may_change = each.field == "memory_bytes" || each.field.starts_with("extra.");
    if (!may_change) refuse(each.field, "'" + each.a + "'", "'" + each.b + "'");
  }
}

}  // namespace

std::filesystem::path folder_to_resume(const BenchOptions& options) {
  return record::find_run(options.out, options.resume);
}

BenchOptions options_to_resume(const BenchOptions& given, const record::Run& saved) {
  if (given.has_run_flags) return given;
  BenchOptions options = parse_bench_options(saved.argv);
  options.resume = given.resume;
  options.out = given.out;
  options.plots = given.plots;
  options.save_samples = given.save_samples;
  options.screen = given.screen;
  options.quiet = given.quiet;
  options.strict = given.strict;
  return options;
}

void go_on_with(const record::Run& saved, record::Run& run) {
  compare_machines(saved, run);
  compare_requests(saved, run);
  compare_shapes(saved, run);
  run.id = saved.id;
  run.argv = saved.argv;
  run.repeat_command = saved.repeat_command;
  run.environment = saved.environment;
  run.gemm_ceiling_flops_per_s = saved.gemm_ceiling_flops_per_s;
  run.copy_ceiling_bytes_per_s = saved.copy_ceiling_bytes_per_s;
  for (std::size_t i = 0; i < run.points.size(); ++i) {
    run.points[i].gemm_ceiling_flops_per_s = saved.points[i].gemm_ceiling_flops_per_s;
    run.points[i].copy_ceiling_bytes_per_s = saved.points[i].copy_ceiling_bytes_per_s;
  }
}

}  // namespace moe::programs
