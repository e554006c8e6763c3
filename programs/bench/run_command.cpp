// From options to tables and files, by way of measure/runner.
#include "bench/run_command.h"

#include <omp.h>

#include <chrono>
#include <iostream>
#include <optional>

#include "bench/formats.h"
#include "bench/measure_points.h"
#include "bench/request.h"
#include "bench/resume.h"
#include "bench/run_files.h"
#include "bench/run_screen.h"
#include "cli/command_line.h"
#include "cli/devices.h"
#include "cli/progress.h"
#include "measure/run/environment.h"
#include "moe/error.h"
#include "record/files.h"
#include "record/store.h"
#include "report/bench/bench_report.h"
#include "report/bench/sweep_report.h"

namespace moe::programs {
namespace {

constexpr int kExitSkipped = 5;
constexpr double kPlotSeconds = 2;  // kept back from --max-time for pictures and files

using Clock = std::chrono::steady_clock;

int exit_code_of(const record::Run& run, bool complete, bool strict) {
  if (!complete) return 128 + interrupt_signal();
  bool any_ok = false, any_failed = false, any_skipped = false;
  for (const record::Row& row : run.rows) {
    any_ok |= row.status == record::Status::ok;
    any_failed |= row.status == record::Status::failed;
    any_skipped |= row.status == record::Status::skipped;
  }
  if (any_failed || !any_ok) return exit_code(ErrorKind::check_failed);
  return strict && any_skipped ? kExitSkipped : 0;
}

/// Before anything is measured: places to write to, or a refusal.
void check_places(const BenchOptions& options, Progress& progress) {
  record::check_writable(options.out);
  check_dump_size(options, progress);
}

/// The whole run has one time cap; pictures and files need the end of it.
void shorten_time_cap(std::vector<measure::BenchRequest>& requests, Clock::time_point started) {
  if (requests.size() > 1) return;  // points of a sweep have one each
  requests.front().sampling.time_cap_s -=
      kPlotSeconds + std::chrono::duration<double>(Clock::now() - started).count();
}

void print_end(const BenchOptions& options, const record::Run& run, bool complete) {
  screen_of(options.screen, options.quiet) << "again      " << run.repeat_command << '\n'
                                           << std::flush;
  std::cout << formatted(run, options.screen.format) << std::flush;
  if (complete) return;
  const std::string out =
      options.out == "results" ? "" : " --out " + quoted_for_shell(options.out.string());
  std::cerr << "interrupted: finished rows are kept; go on with\n  bench_moe_variants --resume "
            << run.id << out << '\n';
}

/// The run that --resume names; then `options` become those that it goes on with.
std::optional<record::Run> run_to_resume(BenchOptions& options) {
  if (options.resume.empty()) return std::nullopt;
  record::Run saved = record::load_run(folder_to_resume(options));
  options = options_to_resume(options, saved);
  return saved;
}

record::Run begin_run(const BenchOptions& options,
                      const std::vector<measure::BenchRequest>& requests,
                      const std::vector<std::string>& arguments, const Device& device) {
  record::Run run = describe(options, requests);
  run.argv = arguments;
  run.id = record::new_run_id(std::chrono::system_clock::now());
  run.environment = measure::read_environment(device);
  return run;
}

/// Nothing is timed, so nothing is saved: the profiler has the result.
int profile_command(Device& device, const measure::BenchRequest& request, record::Run& run,
                    Progress& progress, bool strict) {
  if (!run.points.empty())
    throw Error(ErrorKind::usage, "--profile of a sweep", "", "profile one shape at a time");
  catch_interrupts();
  const measure::BenchEvents events{
      .status = [&](const std::string& text) { progress.status(text); },
      .row_done = [&](const record::Row& row) { progress.line(row.variant + ": " + row.reason); },
      .interrupted = [] { return interrupt_signal() != 0; }};
  const bool complete = measure::profile_bench(device, request, events, run);
  progress.clear();
  for (const record::Row& row : run.rows) {
    if (row.status == record::Status::ok) std::cout << "profiled   " << row.variant << '\n';
  }
  return exit_code_of(run, complete, strict);
}

}  // namespace

int run_command(BenchOptions options, const std::vector<std::string>& arguments) {
  const std::optional<record::Run> saved = run_to_resume(options);
  if (options.threads > 0) omp_set_num_threads(options.threads);
  Progress progress(options.quiet);
  std::ostream& screen = screen_of(options.screen, options.quiet);
  const std::unique_ptr<Device> device = open_device(options.device);
  settle_dtype(options, device->id().kind);
  settle_variants(options, device->traits());
  settle_traffic(options);
  std::vector<measure::BenchRequest> requests = make_bench_requests(options);
  record::Run run = begin_run(options, requests, arguments, *device);
  std::optional<record::RunStore> store;
  if (saved) {
    go_on_with(*saved, run);
    keep_finished(store.emplace(record::RunStore::reopen(folder_to_resume(options))), requests);
  }
  if (!options.dry_run) check_places(options, progress);

  if (options.profile)
    return profile_command(*device, requests.front(), run, progress, options.strict);
  const Clock::time_point started = Clock::now();
  measure_ceilings(*device, progress, run);
  const std::vector<measure::BenchEstimate> needs = estimate_all(*device, requests);
  screen << header_screen(options.sweep, requests, needs, run) << std::flush;
  if (options.dry_run) {
    screen << dry_run_screen(options.sweep, needs);
    return 0;
  }
  if (!store) store.emplace(options.out, run.id);
  store->write_run(run);
  catch_interrupts();
  shorten_time_cap(requests, started);
  const auto print_point = [&](std::size_t i) {
    if (!run.points.empty()) screen << report::point_text(run, i) << std::flush;
  };
  const bool complete = measure_points(*device, requests, *store, progress, print_point, run);
  screen << results_screen(run, is_painted(options.screen, 1));
  write_reports(options, run, *store, progress);
  print_end(options, run, complete);
  return exit_code_of(run, complete, options.strict);
}

}  // namespace moe::programs
