// Rows of a run to LayerTimes.
#include "throughput/measured_layers.h"

#include <fmt/format.h>

#include <chrono>

#include "cli/devices.h"
#include "cli/progress.h"
#include "measure/run/environment.h"
#include "measure/run/runner.h"
#include "moe/error.h"
#include "record/store.h"
#include "report/text/format.h"
#include "report/text/table.h"

namespace moe::programs {
namespace {

constexpr double kMeasureSeconds = 45;  // of --measure

record::Run measure_now(const ThroughputOptions& options) {
  Progress progress(options.output.quiet);
  const std::unique_ptr<Device> device = open_device(options.device);
  measure::BenchRequest request;
  request.model = options.measured_model;
  request.model.batch_size = 1;
  request.model.seq_len = layer_tokens(options.request);
  request.backward = options.request.workload == model::Workload::train;
  request.variants = measure::default_labels(device->id().kind);
  request.baseline = request.variants.front();
  request.traffic = routing::parse_traffic("natural");
  request.sampling.min_samples = 3;
  request.sampling.time_cap_s = kMeasureSeconds;
  record::Run run;
  run.program = "throughput";
  run.repeat_command = options.repeat_command;
  run.id = record::new_run_id(std::chrono::system_clock::now());
  measure::describe_run(request, run);
  run.environment = measure::read_environment(*device);
  const record::RunStore store(options.output.out, run.id);
  catch_interrupts();
  const measure::BenchEvents events{
      .status = [&](const std::string& text) { progress.status(text); },
      .row_done = [&](const record::Row& row) { store.append_point(row); },
      .interrupted = [] { return interrupt_signal() != 0; }};
  measure::run_bench(*device, request, events, run);
  store.write_run(run);
  return run;
}

bool is_timed(const record::Row& row) {
  return row.status == record::Status::ok && row.forward;
}

double backward_s(const record::Row& row) {
  return row.backward ? row.backward->median_s : 0;
}

/// Why nothing was measured: the first row's reason.
void require_times(const record::Run& run) {
  std::string reason = "it has no rows";
  for (const record::Row& row : run.rows) {
    if (is_timed(row)) return;
    reason = row.variant + ": " + (row.reason.empty() ? "no time" : row.reason);
  }
  throw Error(ErrorKind::device, "run " + run.id + " has no layer time", reason,
              "use a smaller configuration, --tokens or --dtype fp32; or leave --measure out");
}

bool same_layer(const LayerConfig& a, const LayerConfig& b) {
  return a.hidden_dim == b.hidden_dim && a.ffn_dim == b.ffn_dim && a.num_experts == b.num_experts &&
         a.top_k == b.top_k && a.activation == b.activation && a.shared.ffn_dim == b.shared.ffn_dim;
}

void take_model(const record::Run& run, model::EstimateRequest& request) {
  ModelConfig model = run.model;
  model.layer.dtype = DType::bf16;
  model.layer.rounding.rule = RoundingRule::none;
  request.training.model = request.serving.model = model;
}

void take_gpu(const model::GpuPreset& gpu, model::EstimateRequest& request) {
  request.training.gpu = request.serving.gpu = gpu;
  request.training.network = request.serving.network =
      make_network(gpu, model::usual_infiniband(gpu));
  request.cost.gpu_watts = gpu.power_watts;
}

}  // namespace

std::optional<record::Run> measured_run(const ThroughputOptions& options) {
  if (options.measure && !options.from.empty()) {
    throw Error(ErrorKind::usage, "--from and --measure", "both say where layer times come from",
                "give one of them");
  }
  if (options.measure) return measure_now(options);
  if (options.from.empty()) return std::nullopt;
  const record::Run run = record::load_run(record::find_run(options.output.out, options.from));
  if (run.points.size() > 1) {
    throw Error(ErrorKind::usage, "run " + run.id + " has several shapes", "",
                "measure the one that is wanted: bench_moe_variants --config NAME");
  }
  if (run.ep_rank) {
    throw Error(ErrorKind::usage, "run " + run.id + " measured one rank's share of a layer", "",
                "measure the whole layer: leave --ep-rank out");
  }
  return run;
}

void use_measured_run(const record::Run& run, ThroughputOptions& options) {
  require_times(run);
  model::EstimateRequest& request = options.request;
  if (!options.config_given) take_model(run, request);
  if (!same_layer(run.model.layer, request.training.model.layer)) {
    throw Error(ErrorKind::usage, "run " + run.id + " measured another layer: " + run.model.name,
                "", "leave --config out, or give the run's own");
  }
  const model::GpuPreset* gpu = model::gpu_preset_of_device(run.environment.device_name);
  if (gpu != nullptr && !options.gpu_given) take_gpu(*gpu, request);
  if (gpu == nullptr || gpu->name != request.training.gpu.name) return;
  if (run.model.layer.dtype != DType::bf16) return;  // what is modelled beside it is bf16
  for (const record::Row& row : run.rows) {
    if (!is_timed(row) || row.reference) continue;
    request.measured[row.variant] = {
        {row.forward->median_s, backward_s(row), model::Origin::measured},
        row.tokens,
        row.backward.has_value()};
  }
}

std::string measured_text(const record::Run& run) {
  report::TextTable table;
  table.header = {"variant", "forward", "backward", "tokens/s", "tokens/day", "basis"};
  table.alignment = {report::Align::left,  report::Align::right, report::Align::right,
                     report::Align::right, report::Align::right, report::Align::left};
  for (const record::Row& row : run.rows) {
    if (!is_timed(row)) continue;
    const double forward = row.forward->median_s, backward = backward_s(row);
    const double rate = static_cast<double>(row.tokens) / (forward + backward);
    table.rows.push_back({row.variant, report::format_time(forward),
                          row.backward ? report::format_time(backward) : "-",
                          report::format_amount(rate), report::format_amount(86'400 * rate),
                          "measured"});
  }
  return fmt::format("\none MoE layer of {}, {}, {} routing, on one {} (run {})\n", run.model.name,
                     run.mode == "forward" ? "forward alone" : "forward and backward", run.traffic,
                     run.environment.device_name, run.id) +
         to_text(table);
}

}  // namespace moe::programs
