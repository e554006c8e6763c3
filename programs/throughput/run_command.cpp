// From options to tables, files and the plot.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "cli/devices.h"
#include "cli/progress.h"
#include "measure/run/environment.h"
#include "model/layer/model_parts.h"
#include "model/published/published_points.h"
#include "model/published/shipped.h"
#include "record/document.h"
#include "record/files.h"
#include "record/store.h"
#include "report/bench/row_facts.h"
#include "report/text/format.h"
#include "report/throughput/throughput_files.h"
#include "report/throughput/throughput_text.h"
#include "throughput/commands.h"
#include "throughput/measured_layers.h"

namespace moe::programs {
namespace {

/// Published training runs of the same model on the same GPU.
std::vector<report::SolidPoint> published_runs(const model::EstimateRequest& request) {
  std::vector<report::SolidPoint> points;
  if (request.workload != model::Workload::train) return points;
  const auto published = model::read_published_points(
      config::parse_toml_table(model::published_points_toml(), "published_points.toml"));
  for (const model::PublishedRun& run : published.runs) {
    if (run.setup.model.name != request.training.model.name) continue;
    if (run.setup.gpu.name != request.training.gpu.name) continue;
    points.push_back(
        {run.plan.gpus, run.tokens_per_s_per_gpu * static_cast<double>(run.plan.gpus), run.name});
  }
  return points;
}

std::string published_text(const std::vector<report::SolidPoint>& points,
                           const model::CostRules& rules) {
  std::string text;
  for (const report::SolidPoint& point : points) {
    model::CostRules at = rules;
    at.gpus = point.gpus;
    const double rate = point.tokens_per_s / static_cast<double>(point.gpus);
    const model::Cost cost = model::cost_of(rate, at);
    text += fmt::format(
        "published  {}: {:.0f} tokens/s per GPU, {} tokens/day, {} GPU-hours, {} "
        "USD\n",
        point.name, rate, report::format_amount(cost.tokens_per_day),
        report::format_amount(cost.gpu_hours), report::format_amount(cost.usd));
  }
  return text;
}

record::Fields head_of(const std::string& id, const record::Environment& environment,
                       const ThroughputOptions& options) {
  return {{"schema", std::string("moe-throughput/1")},
          {"id", id},
          {"program", std::string("throughput")},
          {"repeat_command", options.repeat_command},
          {"version", environment.version},
          {"git_commit", environment.git_commit},
          {"git_dirty", environment.git_dirty}};
}

report::Frame frame_of(const std::string& id, const record::Environment& environment,
                       const model::EstimateRequest& request) {
  const model::TrainingSetup& setup = request.training;
  const std::string& variant = request.variants.back();
  const bool whole = model::is_whole_model(setup.model);
  return {fmt::format("Throughput of {}: {}", setup.model.name, name_of(request.workload)),
          whole ? fmt::format("{} layers, MoE by {}, {} per token", setup.model.num_layers, variant,
                              report::format_flops(model::flops_per_token(request)))
                : fmt::format("one MoE layer by {}, its experts shared by the GPUs: {} on each",
                              variant, report::shape_text(setup.model)),
          fmt::format("{}, InfiniBand {} per GPU, {} GEMMs", setup.gpu.product,
                      report::format_byte_rate(setup.network.infiniband.bytes_per_s),
                      setup.fp8 ? "8-bit" : "bf16"),
          report::origin_text(id, environment, "throughput")};
}

void write_files(const ThroughputOptions& options, const model::Estimate& result,
                 const std::vector<report::SolidPoint>& solid) {
  const model::EstimateRequest& request = options.request;
  const std::string id = record::new_run_id(std::chrono::system_clock::now());
  const record::Environment environment = measure::read_environment(*open_device("cpu"));
  const std::filesystem::path folder = options.output.out / "throughput" / id;
  record::check_writable(folder);
  record::write_file(
      folder / "throughput.json",
      to_json(report::throughput_document(head_of(id, environment, options), request, result)));
  record::write_file(folder / "table.csv", report::throughput_csv(result));
  if (options.output.plots) {
    const auto plot = report::scaling_plot(frame_of(id, environment, request), result, solid);
    report::DrawnPlots drawn;
    if (plot) drawn = report::draw_sources({*plot}, folder, options.output.out);
    for (const auto& picture : drawn.pictures)
      std::cout << "wrote      " << picture.string() << '\n';
    if (!drawn.problem.empty())
      std::cerr << "warn:  " << drawn.problem << "\n       data is kept\n";
  }
  std::cout << "wrote      " << folder.string() << "/{throughput.json,table.csv}\n"
            << "again      " << options.repeat_command << '\n';
}

/// Why nothing of what was measured stands in the tables; empty where something does.
std::string unused_measurement_text(const model::EstimateRequest& request,
                                    const model::Estimate& result) {
  const bool is_used = std::any_of(
      result.rows.begin(), result.rows.end(),
      [](const model::EstimateRow& row) { return row.layer_origin == model::Origin::measured; });
  if (is_used) return "";
  const std::string why = request.measured.empty()
                              ? fmt::format("that run is not bf16 on {}", request.training.gpu.name)
                          : request.workload == model::Workload::train
                              ? std::string("that run was of forward alone")
                              : fmt::format("{} needs a run of --mode forward with --tokens {}",
                                            name_of(request.workload), layer_tokens(request));
  return "! " + why + ": what follows is modelled, not scaled from it\n";
}

}  // namespace

int run_throughput(ThroughputOptions options) {
  record::check_writable(options.output.out);
  const std::optional<record::Run> measured = measured_run(options);
  if (interrupt_signal() != 0) {
    std::cerr << "interrupted: what was measured before is saved\n";
    return 128 + interrupt_signal();
  }
  if (measured) use_measured_run(*measured, options);
  const model::EstimateRequest& request = options.request;
  const model::Estimate result = model::estimate(request);
  std::cout << report::throughput_header(request);
  if (measured) std::cout << measured_text(*measured);
  if (measured) std::cout << unused_measurement_text(request, result);
  std::vector<report::SolidPoint> solid = published_runs(request);
  std::cout << report::throughput_tables(request, result) << '\n'
            << published_text(solid, request.cost);
  for (const report::SolidPoint& point : report::measured_points(result)) solid.push_back(point);
  write_files(options, result, solid);
  return 0;
}

}  // namespace moe::programs
