// From options to tables and files, by way of measure/runner.
#include "bench/run_command.h"

#include <omp.h>

#include <chrono>
#include <iostream>

#include "bench/request.h"
#include "bench/run_files.h"
#include "bench/run_screen.h"
#include "cli/devices.h"
#include "cli/progress.h"
#include "measure/environment.h"
#include "measure/runner.h"
#include "moe/error.h"
#include "record/files.h"
#include "record/store.h"
#include "report/bench_report.h"
#include "report/verdict.h"

namespace moe::programs {
namespace {

constexpr int kExitSkipped = 5;
constexpr double kPlotSeconds = 2;  // kept back from --max-time for pictures and files

using Clock = std::chrono::steady_clock;

measure::BenchEvents make_events(Progress& progress, const record::RunStore& store) {
  return {.status = [&](const std::string& text) { progress.status(text); },
          .row_done =
              [&](const record::Row& row) {
                store.append_point(row);
                const bool skipped = row.status == record::Status::skipped;
                progress.line(row.variant + ": " +
                              (skipped ? "skipped, " + row.reason : report::checks_text(row)));
              },
          .interrupted = [] { return interrupt_signal() != 0; }};
}

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

record::Run begin_run(const measure::BenchRequest& request, const BenchOptions& options,
                      const std::vector<std::string>& arguments, const Device& device) {
  record::Run run;
  run.program = "bench_moe_variants";
  run.argv = arguments;
  run.repeat_command = options.repeat_command;
  run.request = described_request(options);
  run.id = record::new_run_id(std::chrono::system_clock::now());
  measure::describe_run(request, run);
  run.environment = measure::read_environment(device);
  return run;
}

void measure_ceilings(Device& device, Progress& progress, record::Run& run) {
  progress.status("measuring this machine's ceilings");
  const Ceilings ceilings = device.measure_ceilings(run.model.layer.dtype);
  run.gemm_ceiling_flops_per_s = ceilings.gemm_flops_per_s;
  run.copy_ceiling_bytes_per_s = ceilings.copy_bytes_per_s;
  progress.clear();
}

void print_results(const record::Run& run) {
  std::cout << report::bench_table(run) << report::load_text(run);
  for (const std::string& warning : run.warnings) std::cout << "! " << warning << '\n';
  std::cout << run.verdict << '\n';
}

}  // namespace

int run_command(BenchOptions options, const std::vector<std::string>& arguments) {
  if (options.threads > 0) omp_set_num_threads(options.threads);
  Progress progress(options.quiet);
  const std::unique_ptr<Device> device = open_device(options.device);
  settle_variants(options, device->id().kind);
  measure::BenchRequest request = make_bench_request(options);
  record::Run run = begin_run(request, options, arguments, *device);
  if (!options.dry_run) {
    record::check_writable(options.out);
    check_dump_size(options, progress);
  }
  const Clock::time_point started = Clock::now();
  measure_ceilings(*device, progress, run);
  const measure::BenchEstimate needs = measure::estimate(*device, request);
  std::cout << header_screen(request, needs, run) << std::flush;
  if (options.dry_run) {
    std::cout << dry_run_screen(needs);
    return 0;
  }

  const record::RunStore store(options.out, run.id);
  store.write_run(run);
  catch_interrupts();
  request.sampling.time_cap_s -=
      kPlotSeconds + std::chrono::duration<double>(Clock::now() - started).count();
  const bool complete = measure::run_bench(*device, request, make_events(progress, store), run);
  progress.clear();
  run.verdict = report::verdict(run);
  print_results(run);
  write_reports(options, run, store, progress);
  std::cout << "again      " << run.repeat_command << '\n';
  if (!complete)
    std::cerr << "interrupted: finished rows are saved in " << store.folder().string() << '\n';
  return exit_code_of(run, complete, options.strict);
}

}  // namespace moe::programs
