// What was written is read again and shown, so that its reader has seen every trace.
#include "bench/trace_commands.h"

#include <omp.h>

#include <iostream>

#include "cli/devices.h"
#include "cli/progress.h"
#include "measure/trace/record_trace.h"
#include "measure/trace/trace_summary.h"
#include "record/files.h"
#include "report/bench/trace_text.h"

namespace moe::programs {
namespace {

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : ".";
}

int write(const routing::Trace& trace, const std::filesystem::path& file) {
  record::write_file(file, routing::trace_bytes(trace));
  std::cout << report::trace_text(measure::summarize_trace(file)) << "wrote      " << file.string()
            << '\n';
  return 0;
}

}  // namespace

int record_command(const BenchOptions& options) {
  if (options.threads > 0) omp_set_num_threads(options.threads);
  record::check_writable(folder_of(options.trace.file));
  Progress progress(options.quiet);
  const std::unique_ptr<Device> device = open_device(options.device);
  const Shape& shape = options.sweep.points.front().shape;
  const measure::RecordRequest request{.model = shape.model,
                                       .traffic = routing::parse_traffic(shape.traffic),
                                       .seed = options.seed,
                                       .num_layers = options.trace.layers,
                                       .with_logits = options.trace.with_logits};
  const routing::Trace trace = measure::record_trace(*device, request, [&](std::int64_t layer) {
    progress.status("recording layer " + std::to_string(layer + 1) + " of " +
                    std::to_string(request.num_layers));
  });
  progress.clear();
  return write(trace, options.trace.file);
}

int convert_command(const BenchOptions& options) {
  record::check_writable(folder_of(options.trace.file));
  return write(measure::trace_from_arrays(options.trace.arrays, options.trace.num_experts),
               options.trace.file);
}

}  // namespace moe::programs
