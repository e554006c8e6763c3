// Lists come from the tables themselves, so they cannot grow stale.
#include "memory/list.h"

#include <vector>

#include "config/nearest_name.h"
#include "config/presets.h"
#include "model/cluster/gpu_presets.h"
#include "model/layer/strategy.h"
#include "moe/error.h"
#include "report/memory/memory_report.h"
#include "report/text/format.h"
#include "report/text/table.h"

namespace moe::programs {
namespace {

std::string gpus_text() {
  using report::Align;
  report::TextTable table;
  table.header = {"gpu", "memory", "bf16 dense", "memory rate", "NVLink", "power", "source"};
  table.alignment = {Align::left,  Align::right, Align::right, Align::right,
                     Align::right, Align::right, Align::left};
  for (const model::GpuPreset& gpu : model::gpu_presets()) {
    table.rows.push_back(
        {std::string(gpu.name), report::format_bytes(static_cast<double>(gpu.memory_bytes)),
         report::format_flops_rate(gpu.bf16_flops_per_s),
         report::format_byte_rate(gpu.memory_bytes_per_s),
         report::format_byte_rate(gpu.nvlink_bytes_per_s),
         std::to_string(static_cast<int>(gpu.power_watts)) + " W", std::string(gpu.source)});
  }
  return to_text(table);
}

std::string strategies_text() {
  std::string text;
  for (const std::string& form : model::strategy_forms()) text += form + "\n";
  text += "all: ";
  bool first = true;
  for (const model::Strategy& strategy : model::all_strategies()) {
    text += (first ? "" : ", ") + to_string(strategy);
    first = false;
  }
  return text + "\n";
}

}  // namespace

std::string memory_list_text(const std::string& topic) {
  if (topic == "gpus") return gpus_text();
  if (topic == "strategies") return strategies_text();
  if (topic.empty()) return "gpus\n\n" + gpus_text() + "\nstrategies\n\n" + strategies_text();
  const std::vector<std::string> known = {"gpus", "strategies"};
  throw Error(ErrorKind::usage, config::unknown_name("list", topic, known), "",
              "known: " + config::listed(known));
}

std::string published_text() {
  std::vector<ModelConfig> shapes;
  for (const ModelConfig& shape : config::presets()) shapes.push_back(shape);
  return report::published_memory_text(shapes);
}

}  // namespace moe::programs
