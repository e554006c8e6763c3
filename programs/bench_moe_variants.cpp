// bench_moe_variants: compares MoE implementations on one layer. docs/cli.md describes its flags.
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "config/nearest_name.h"
#include "devices.h"
#include "list.h"
#include "measure/dump.h"
#include "measure/environment.h"
#include "measure/runner.h"
#include "moe/error.h"
#include "options.h"
#include "progress.h"
#include "record/files.h"
#include "record/store.h"
#include "report/bench_report.h"
#include "report/format.h"
#include "report/plots.h"
#include "report/table.h"
#include "report/verdict.h"

namespace moe::programs {
namespace {

constexpr int kExitSkipped = 5;
constexpr double kPlotSeconds = 2;  // kept back from --max-time for pictures and files

/// Fills in what was left to the device, and refuses names that it does not have.
void settle_variants(BenchOptions& options, DeviceKind kind) {
  if (options.variants.empty()) options.variants = measure::default_labels(kind);
  const std::vector<std::string> known = measure::known_labels(kind);
  if (options.baseline.empty()) options.baseline = known.front();
  std::vector<std::string> labels = options.variants;
  labels.push_back(options.baseline);
  for (const std::string& label : labels) {
    if (std::find(known.begin(), known.end(), label) != known.end()) continue;
    throw Error(ErrorKind::usage, config::unknown_name("variant", label, known), "",
                "known: " + config::listed(known));
  }
}

measure::BenchRequest make_bench_request(const BenchOptions& options) {
  measure::BenchRequest request;
  request.model = options.model;
  request.variants = options.variants;
  request.baseline = options.baseline;
  request.backward = options.backward;
  request.traffic = routing::parse_traffic(options.routing);
  request.seed = options.seed;
  request.check = options.check;
  request.sampling = options.sampling;
  request.dump_folder = options.dump_folder;
  return request;
}

/// One pass each for the check and, until the time cap, as many rounds as the noise target may
/// need.
double expected_seconds(const measure::BenchRequest& request, const measure::BenchEstimate& needs,
                        double flops_per_s) {
  const double pass_s = needs.flops_per_pass / flops_per_s;
  double runnable = 0;
  for (const auto& line : needs.lines) runnable += line.skip_reason.empty() ? 1 : 0;
  const int samples = std::min(request.sampling.min_samples, request.sampling.max_samples);
  const double most = runnable * pass_s * (1 + samples);
  const double least = runnable * pass_s * 2;
  return std::max(least, std::min(most, request.sampling.time_cap_s));
}

report::Estimate print_header(const measure::BenchRequest& request,
                              const measure::BenchEstimate& needs, const record::Run& run) {
  const report::Estimate estimate{expected_seconds(request, needs, run.gemm_ceiling_flops_per_s),
                                  needs.needed_bytes, needs.free_bytes};
  std::cout << report::header_text(run, estimate) << std::flush;
  return estimate;
}

void print_dry_run(const measure::BenchEstimate& needs) {
  report::TextTable table;
  table.header = {"variant", "weights", "gradients", "saved", "workspace", "would run"};
  table.alignment = {report::Align::left,  report::Align::right, report::Align::right,
                     report::Align::right, report::Align::right, report::Align::left};
  for (const auto& line : needs.lines) {
    std::string verdict = line.skip_reason.empty() ? "yes" : "no: " + line.skip_reason;
    if (line.largest_tokens)
      verdict += "; largest T that fits: " + report::format_integer(*line.largest_tokens);
    const auto bytes = [](std::int64_t count) {
      return report::format_bytes(static_cast<double>(count));
    };
    table.rows.push_back({line.variant, bytes(line.bytes.weights), bytes(line.bytes.gradients),
                          bytes(line.bytes.saved), bytes(line.bytes.workspace), verdict});
  }
  std::cout << to_text(table) << "dry run: nothing was measured\n";
}

void check_dump_size(const BenchOptions& options, Progress& progress) {
  if (options.dump_folder.empty()) return;
  const std::int64_t bytes =
      measure::dump_bytes(options.model.layer, options.model.tokens(),
                          static_cast<std::int64_t>(options.variants.size()), options.backward);
  const auto size = report::format_bytes(static_cast<double>(bytes));
  if (bytes > options.dump_limit_bytes) {
    throw Error(
        ErrorKind::usage, "--dump-tensors would write " + size,
        "--dump-limit is " + report::format_bytes(static_cast<double>(options.dump_limit_bytes)),
        "raise the limit, or use fewer tokens or variants");
  }
  record::check_writable(options.dump_folder);
  progress.line("dumping tensors to " + options.dump_folder.string() + ": about " + size);
}

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

void write_reports(const BenchOptions& options, const record::Run& run,
                   const record::RunStore& store, Progress& progress) {
  store.write_run(run);
  record::write_file(store.folder() / "table.md", report::markdown_report(run));
  record::write_file(store.folder() / "table.csv", report::csv_report(run));
  std::string wrote =
      "wrote      " + store.folder().string() + "/{run.json,points.jsonl,table.md,table.csv}";
  if (options.plots) {
    progress.status("drawing");
    const report::DrawnPlots drawn = report::draw_plots(run, store.folder(), options.out);
    progress.clear();
    for (const auto& picture : drawn.pictures)
      wrote = "wrote      " + picture.string() + "\n" + wrote;
    if (!drawn.problem.empty()) {
      std::cerr << "warn:  " << drawn.problem
                << "\n       data is kept; later: bench_moe_variants plot " << run.id << '\n';
    }
  }
  progress.clear();
  std::cout << wrote << '\n';
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

int run_command(BenchOptions options, const std::vector<std::string>& arguments) {
  if (options.threads > 0) omp_set_num_threads(options.threads);
  Progress progress(options.quiet);
  const std::unique_ptr<Device> device = open_device(options.device);
  settle_variants(options, device->id().kind);
  measure::BenchRequest request = make_bench_request(options);
  // Traffic that this gate cannot give is refused here, not in the middle of the run.
  routing::logit_offsets(request.model.layer, request.traffic, request.model.tokens(),
                         request.seed);

  record::Run run;
  run.program = "bench_moe_variants";
  run.argv = arguments;
  run.repeat_command = options.repeat_command;
  run.id = record::new_run_id(std::chrono::system_clock::now());
  measure::describe_run(request, run);
  run.environment = measure::read_environment(*device);
  if (!options.dry_run) {
    record::check_writable(options.out);
    check_dump_size(options, progress);
  }
  progress.status("measuring this machine's ceilings");
  const auto started = std::chrono::steady_clock::now();
  const Ceilings ceilings = device->measure_ceilings(options.model.layer.dtype);
  run.gemm_ceiling_flops_per_s = ceilings.gemm_flops_per_s;
  run.copy_ceiling_bytes_per_s = ceilings.copy_bytes_per_s;
  progress.clear();
  const measure::BenchEstimate needs = measure::estimate(*device, request);
  print_header(request, needs, run);
  if (options.dry_run) {
    print_dry_run(needs);
    return 0;
  }

  const record::RunStore store(options.out, run.id);
  store.write_run(run);
  catch_interrupts();
  request.sampling.time_cap_s -=
      kPlotSeconds +
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  const bool complete = measure::run_bench(*device, request, make_events(progress, store), run);
  progress.clear();
  run.verdict = report::verdict(run);
  std::cout << report::bench_table(run) << report::load_text(run);
  for (const std::string& warning : run.warnings) std::cout << "! " << warning << '\n';
  std::cout << run.verdict << '\n';
  write_reports(options, run, store, progress);
  std::cout << "again      " << run.repeat_command << '\n';
  if (!complete)
    std::cerr << "interrupted: finished rows are saved in " << store.folder().string() << '\n';
  return exit_code_of(run, complete, options.strict);
}

int plot_command(const BenchOptions& options) {
  const auto folder = record::find_run(options.out, options.topic);
  const report::DrawnPlots drawn =
      report::draw_plots(record::load_run(folder), folder, options.out);
  for (const auto& picture : drawn.pictures) std::cout << "wrote " << picture.string() << '\n';
  if (!drawn.problem.empty()) {
    throw Error(ErrorKind::output, "not every picture was drawn", drawn.problem,
                "install gnuplot (gnuplot-nox)");
  }
  return 0;
}

int run_program(const std::vector<std::string>& arguments) {
  const BenchOptions options = parse_bench_options(arguments);
  switch (options.command) {
    case Command::run: return run_command(options, arguments);
    case Command::list: std::cout << list_text(options.topic); return 0;
    case Command::show: std::cout << show_text(options.out, options.topic); return 0;
    case Command::plot: return plot_command(options);
    case Command::exit: return 0;
  }
  return 0;
}

}  // namespace
}  // namespace moe::programs

int main(int argc, char** argv) {
  try {
    return moe::programs::run_program({argv + 1, argv + argc});
  } catch (const moe::Error& error) {
    std::cerr << "error: " << error.what() << '\n';
    return moe::exit_code(error.kind());
  } catch (const std::bad_alloc&) {
    std::cerr << "error: out of host memory\n  use fewer tokens or a smaller configuration\n";
    return moe::exit_code(moe::ErrorKind::out_of_memory);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << " (a defect of this program; please report it)\n";
    return moe::exit_code(moe::ErrorKind::internal);
  }
}
