// Predict, measure where that is possible, print, save, draw.
#include "memory/run_command.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "cli/devices.h"
#include "cli/progress.h"
#include "config/nearest_name.h"
#include "measure/run/environment.h"
#include "memory/saved_run.h"
#include "memory/target.h"
#include "moe/error.h"
#include "record/files.h"
#include "record/json.h"
#include "record/store.h"
#include "report/memory/memory_report.h"

namespace moe::programs {
namespace {

std::vector<std::string> known_variants(const MemoryOptions& options) {
  std::vector<std::string> known = measure::known_labels(DeviceKind::cpu);
  if (options.device == "cpu") return known;
  for (const std::string& label : measure::known_labels(DeviceKind::cuda)) {
    if (std::find(known.begin(), known.end(), label) == known.end()) known.push_back(label);
  }
  return known;
}

/// Its plan has no tensors to show, and its memory lies outside of the regions that are metered.
void refuse_framework(const std::string& label) {
  for (const DeviceKind kind : {DeviceKind::cpu, DeviceKind::cuda}) {
    const Variant* variant = find_variant(kind, label);
    if (variant == nullptr || !variant->is_framework()) continue;
    throw Error(ErrorKind::usage, "memory of " + label,
                "its framework allocates while it runs, so there is no plan of it",
                "bench_moe_variants shows what the framework's allocator counted");
  }
}

measure::MemoryRequest make_request(const MemoryOptions& options) {
  measure::MemoryRequest request;
  request.model = options.model;
  request.variants =
      options.variants.empty() ? measure::default_labels(DeviceKind::cpu) : options.variants;
  request.baseline = options.baseline;
  request.training = options.training;
  request.optimizer = options.training ? options.optimizer : model::Optimizer::none;
  request.strategies = options.strategies;
  request.max_time_s = options.max_time_s;
  request.traffic = routing::parse_traffic(options.routing);
  if (request.traffic.kind == routing::TrafficKind::trace) {
    throw Error(ErrorKind::usage, "--routing " + options.routing,
                "a metered pass chooses experts itself", "use natural, balanced, zipf:S or hot:N");
  }
  request.seed = options.seed;
  const std::vector<std::string> known = known_variants(options);
  std::vector<std::string> labels = request.variants;
  labels.push_back(request.baseline);
  for (const std::string& label : labels) {
    refuse_framework(label);
    if (std::find(known.begin(), known.end(), label) != known.end()) continue;
    throw Error(ErrorKind::usage, config::unknown_name("variant", label, known), "",
                "known: " + config::listed(known));
  }
  return request;
}

/// A bare pass between two lines: a profiler sees the layer's kernels and nothing else of ours.
int profile_command(const measure::MemoryRequest& request, ChosenTarget& chosen) {
  if (request.variants.size() != 1) {
    throw Error(ErrorKind::usage, "--profile runs one variant", "", "name it, as --variants sonic");
  }
  if (!chosen.measures) {
    throw Error(ErrorKind::device, "--profile cannot run a pass", chosen.why_not);
  }
  const std::string& label = request.variants.front();
  const model::LayerSetup setup =
      measure::layer_setup(chosen.target, request, label, request.model.tokens());
  measure::MemoryMeter meter(*chosen.device, request.model.layer, request.model.tokens(),
                             request.traffic, request.seed);
  meter.run_bare(measure::choose_variant(chosen.target, label), setup.plan);
  record::MemoryRun run;
  measure::MemoryRequest one = request;
  one.strategies.clear();
  predict_memory(chosen.target, one, run);
  std::cout << report::phases_text(run) << '\n' << report::steps_text(run);
  return 0;
}

void write_files(const MemoryOptions& options, const record::MemoryRun& run, Progress& progress) {
  const record::RunStore store(memory_folder(options.output.out), run.id);
  record::write_file(store.folder() / "memory.csv", report::memory_csv(run));
  record::write_file(store.folder() / "steps.csv", report::steps_csv(run));
  record::write_file(store.folder() / "run.json", record::to_json(run));
  if (options.output.plots) {
    progress.status("drawing");
    const report::DrawnPlots drawn = draw_memory_plot(run, store.folder(), options.output.out);
    progress.clear();
    for (const auto& picture : drawn.pictures)
      std::cout << "wrote      " << picture.string() << '\n';
    if (!drawn.problem.empty()) {
      std::cerr << "warn:  " << drawn.problem
                << "\n       data is kept; later: memory_analysis plot " << run.id << '\n';
    }
  }
  std::cout << "wrote      " << store.folder().string() << "/{run.json,memory.csv,steps.csv}\n"
            << "again      " << run.repeat_command << '\n';
}

}  // namespace

int memory_run_command(MemoryOptions options, const std::vector<std::string>& arguments) {
  if (options.threads > 0) omp_set_num_threads(options.threads);
  Progress progress(options.output.quiet);
  if (options.gpu.empty()) settle_dtype(options, open_device(options.device)->id().kind);
  const measure::MemoryRequest request = make_request(options);
  progress.status("looking at the device");
  ChosenTarget chosen = choose_target(options, request);
  progress.clear();
  if (chosen
          .measures) {  // traffic that this gate cannot give is refused before anything is printed
    routing::logit_offsets(request.model.layer, request.traffic, request.model.tokens(),
                           request.seed);
  }
  if (options.profile) return profile_command(request, chosen);

  record::check_writable(options.output.out);
  record::MemoryRun run;
  run.program = "memory_analysis";
  run.argv = arguments;
  run.repeat_command = options.repeat_command;
  run.id = record::new_run_id(std::chrono::system_clock::now());
  run.environment = measure::read_environment(*chosen.device);
  run.target_is_here = chosen.is_here;
  predict_memory(chosen.target, request, run);
  std::cout << report::memory_header(run) << '\n' << std::flush;
  bool complete = true;
  if (chosen.measures) {
    catch_interrupts();
    const measure::MemoryEvents events{[&](const std::string& text) { progress.status(text); },
                                       [] { return interrupt_signal() != 0; }};
    complete = measure_memory(*chosen.device, chosen.target, request, events, run);
    progress.clear();
  }
  std::cout << report::memory_screen(run, options.steps);
  write_files(options, run, progress);
  if (complete) return 0;
  std::cerr << "interrupted: what was measured before is saved\n";
  return 128 + interrupt_signal();
}

}  // namespace moe::programs
