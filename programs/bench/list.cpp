// Lists come from the registry and the presets, so they cannot grow stale.
#include "bench/list.h"

#include <algorithm>
#include <vector>

#include "bench/formats.h"
#include "bench/run_screen.h"
#include "config/load.h"
#include "config/nearest_name.h"
#include "config/presets.h"
#include "config/validate.h"
#include "measure/problem/variant_choice.h"
#include "measure/trace/trace_file.h"
#include "measure/trace/trace_summary.h"
#include "model/layer/describe.h"
#include "moe/error.h"
#include "moe/registry.h"
#include "record/files.h"
#include "record/gpu_bench.h"
#include "record/json.h"
#include "record/store.h"
#include "report/bench/bench_report.h"
#include "report/bench/gpu_bench_text.h"
#include "report/bench/sweep_report.h"
#include "report/bench/trace_text.h"
#include "report/bench/verdict.h"
#include "report/text/table.h"

namespace moe::programs {
namespace {

std::string configs_text() {
  report::TextTable table;
  table.header = {"config", "T", "d", "n", "E", "K", "gate", "dtype", ""};
  table.alignment = {report::Align::left,  report::Align::right, report::Align::right,
                     report::Align::right, report::Align::right, report::Align::right,
                     report::Align::left,  report::Align::left,  report::Align::left};
  for (const ModelConfig& model : config::presets()) {
    const LayerConfig& layer = model.layer;
    std::string name = model.name;
    for (const std::string& alias : config::aliases(model.name)) name += ", " + alias;
    table.rows.push_back({name, std::to_string(model.tokens()), std::to_string(layer.hidden_dim),
                          std::to_string(layer.ffn_dim), std::to_string(layer.num_experts),
                          std::to_string(layer.top_k), std::string(name_of(layer.gate.kind)),
                          std::string(name_of(layer.dtype)),
                          model.unsupported ? "unsupported" : ""});
  }
  return to_text(table) + "details: bench_moe_variants show NAME\n";
}

std::string variant_lines(bool of_frameworks) {
  std::string text;
  for (const Variant* variant : variants(DeviceKind::cpu)) {
    if (variant->is_framework() != of_frameworks) continue;
    text += std::string(variant->name()) + "\n    " + std::string(variant->summary()) +
            (of_frameworks ? "; runs when it is named, without rounding\n" : "\n");
  }
  return text;
}

std::string variants_text() {
  return variant_lines(false) +
         "NAME+rounding\n    the same after token rounding to --tile rows per expert (changes the "
         "routing)\n" +
         std::string(measure::kDenseBound) + "\n    " + std::string(measure::kDenseBoundSummary) +
         "\n" + variant_lines(true);
}

std::string devices_text() {
  std::string text;
  for (const DeviceKind kind : {DeviceKind::cpu, DeviceKind::cuda}) {
    const auto found = devices(kind);
    for (const auto& device : found) {
      const DeviceTraits& traits = device->traits();
      text += std::string(name_of(kind)) +
              (kind == DeviceKind::cuda ? ":" + std::to_string(device->id().index) : "") + "  " +
              traits.name + ", " + std::to_string(traits.num_cores) +
              (kind == DeviceKind::cpu ? " threads" : " multiprocessors") +
              (traits.has_bf16 ? ", bf16" : "") +
              (kind == DeviceKind::cuda
                   ? ", compute capability " + capability_text(traits.compute_capability)
                   : "") +
              "\n";
    }
    if (found.empty())
      text += std::string(name_of(kind)) + "  none: " + no_device_reason(kind) + "\n";
  }
  return text;
}

std::string routings_text() {
  return "natural   what the random router gives (near uniform)\n"
         "balanced  every expert gets floor or ceil of T*K/E tokens\n"
         "zipf:S    popularity of experts ~ 1 / rank^S, for example zipf:1\n"
         "hot:N     every token prefers the same N experts, for example hot:2\n"
         "trace:FILE[@LAYER]  recorded routing in the place of the router: see record, convert\n";
}

std::string model_text(const ModelConfig& model, Format format) {
  if (format == Format::text) return model::describe(model);
  if (format == Format::json) return record::to_json(model) + "\n";
  throw Error(ErrorKind::usage, "a configuration is shown as text or json", "",
              "use --format text or --format json");
}

std::string saved_run_text(const record::Run& run, const ScreenOptions& screen) {
  if (screen.format != Format::text) return formatted(run, screen.format);
  report::Estimate memory;
  for (const record::Row& row : run.rows) {
    memory.needed_bytes =
        std::max(memory.needed_bytes, row.bytes.weights + row.bytes.gradients + row.bytes.peak);
  }
  std::string text = report::header_text(run, memory);
  for (std::size_t i = 0; i < run.points.size(); ++i) text += report::point_text(run, i);
  text += results_screen(run, is_painted(screen, 1));
  return text + "again      " + run.repeat_command + "\n";
}

/// docs/results/<gpu>/bench.json of this checkout, or empty: from the folder at work, or from where
/// the program was built.
std::filesystem::path shipped_record(const std::string& gpu) {
  if (gpu.find('/') != std::string::npos) return {};
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  for (const auto& root :
       {std::filesystem::path("."), program.parent_path().parent_path().parent_path()}) {
    const auto file = root / "docs" / "results" / gpu / "bench.json";
    if (std::filesystem::exists(file, ignored)) return file;
  }
  return {};
}

}  // namespace

std::string list_text(const std::string& topic) {
  const std::vector<std::pair<std::string, std::string (*)()>> topics = {
      {"configs", configs_text},
      {"variants", variants_text},
      {"devices", devices_text},
      {"routings", routings_text}};
  std::string all;
  std::vector<std::string> names;
  for (const auto& [name, text] : topics) {
    if (name == topic) return text();
    names.push_back(name);
    if (topic.empty()) all += (all.empty() ? "" : "\n") + name + "\n\n" + text();
  }
  if (topic.empty()) return all;
  throw Error(ErrorKind::usage, config::unknown_name("list", topic, names), "",
              "known: " + config::listed(names));
}

std::string show_text(const BenchOptions& options) {
  const std::string& name = options.topic;
  if (measure::is_trace_file(name)) return report::trace_text(measure::summarize_trace(name));
  const bool is_run_file = std::filesystem::path(name).filename() == "run.json";
  const bool is_file = name.ends_with(".toml") || (name.ends_with(".json") && !is_run_file);
  if (config::find_preset(name) != nullptr || is_file) {
    const ModelConfig model = config::load_config(name);
    if (!model.unsupported) config::validate(model);
    return model_text(model, options.screen.format);
  }
  if (const auto file = shipped_record(name); !file.empty()) {
    return report::gpu_bench_text(
        record::gpu_bench_from_json(record::read_file(file), file.string()));
  }
  if (name.starts_with("last") || is_run_file ||
      name.find_first_of("0123456789/") != std::string::npos) {
    return saved_run_text(record::load_run(record::find_run(options.out, name)), options.screen);
  }
  return model_text(config::load_config(name), options.screen.format);  // or the nearest preset
}

}  // namespace moe::programs
