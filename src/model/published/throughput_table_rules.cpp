// Throughput and cost tables: a chain of units, then the hardware's limits.
#include <fmt/format.h>

#include <cmath>
#include <string>

#include "config/load.h"
#include "model/cluster/gpu_presets.h"
#include "model/layer/layer_cost.h"
#include "model/published/table_rules.h"

namespace moe::model {
namespace {

struct Setting {
  std::string name;
  const GpuPreset& gpu;
  double gpus, tokens_total, price, parameters, active_parameters;
  LayerConfig layer;
};

Setting read_setting(const config::TomlTable& table) {
  return {table.text("name"),
          gpu_preset(table.text("gpu")),
          table.number("gpus"),
          table.number("tokens_total"),
          table.number("price_per_gpu_hour"),
          table.number("parameters"),
          table.number("active_parameters"),
          config::load_config(table.text("config")).layer};
}

/// Findings of one column.
class Column {
 public:
  Column(const Setting& setting, const config::TomlTable& entries, std::vector<Finding>& findings)
      : setting_(setting), entries_(entries), name_(entries.text("name")), findings_(findings) {}

  void check_units() {
    step("tokens_per_s", "tokens_per_day", 86'400);
    quotient("tokens_per_day", "days", setting_.tokens_total);
    step("days", "gpu_days", setting_.gpus);
    step("gpu_days", "gpu_hours", 24);
    step("gpu_hours", "usd", setting_.price);
  }

  void check_rate(const char* key, double per_second) {
    if (!entries_.has(key)) return;
    const double rate = entries_.number(key) * per_second / setting_.gpus;
    const double peak = setting_.gpu.bf16_flops_per_s;
    const double model = rate * 6 * setting_.active_parameters;
    const double layer = rate * 3 * layer_flops(setting_.layer, 1, setting_.layer.top_k).forward;
    add(std::string(key) + ", whole model", verdict_of(model / peak),
        fmt::format("{:.4g} tokens/s per GPU of {:.1f} B active parameters are {:.4g} TFLOP/s, "
                    "{:.1f} % of the bf16 peak",
                    rate, setting_.active_parameters / 1e9, model / 1e12, 100 * model / peak));
    add(std::string(key) + ", one MoE layer", verdict_of(layer / peak),
        fmt::format("as one layer, forward and backward: {:.4g} TFLOP/s per GPU, {:.1f} % of the "
                    "bf16 peak",
                    layer / 1e12, 100 * layer / peak));
  }

 private:
  static Verdict verdict_of(double share) {
    return share > 1 ? Verdict::impossible : Verdict::plausible;
  }

  void step(const char* from, const char* to, double factor) {
    if (entries_.has(from) && entries_.has(to)) {
      compare(from, to, entries_.number(from) * factor, entries_.number(to));
    }
  }

  void quotient(const char* from, const char* to, double dividend) {
    if (entries_.has(from) && entries_.has(to)) {
      compare(from, to, dividend / entries_.number(from), entries_.number(to));
    }
  }

  void compare(const char* from, const char* to, double follows, double stated) {
    const double ratio = stated / follows;
    const bool same = std::abs(ratio - 1) <= kRounding;
    add(fmt::format("{} -> {}", from, to), same ? Verdict::consistent : Verdict::contradiction,
        same ? fmt::format("{:.4g} follows, {:.4g} is stated", follows, stated)
             : fmt::format("{:.4g} follows, {:.4g} is stated: {:.4g} times {}", follows, stated,
                           ratio > 1 ? ratio : 1 / ratio, ratio > 1 ? "as much" : "too little"));
  }

  void add(const std::string& entry, Verdict verdict, const std::string& text) {
    findings_.push_back({setting_.name, name_, entry, verdict, text});
  }

  const Setting& setting_;
  const config::TomlTable& entries_;
  std::string name_;
  std::vector<Finding>& findings_;
};

/// Weights alone in 8 bits, the least that training or serving can start from.
void check_fit(const Setting& setting, std::vector<Finding>& findings) {
  const double capacity = setting.gpus * static_cast<double>(setting.gpu.memory_bytes);
  const bool fits = setting.parameters <= capacity;
  findings.push_back(
      {setting.name, "all", "the model in memory", fits ? Verdict::plausible : Verdict::impossible,
       fmt::format("{:.0f} B parameters are {:.0f} GB at one byte each and {:.1f} TB at the 16 of "
                   "AdamW training; {:.0f} GPUs have {:.0f} GB",
                   setting.parameters / 1e9, setting.parameters / 1e9,
                   setting.parameters * 16 / 1e12, setting.gpus, capacity / 1e9)});
}

/// Entries whose two columns all stand the same factor apart were not measured one by one.
void check_ratios(const Setting& setting, const std::vector<config::TomlTable>& columns,
                  std::vector<Finding>& findings) {
  if (columns.size() != 2) return;
  double lowest = INFINITY, highest = 0;
  int count = 0;
  for (const char* key :
       {"tokens_per_s", "tokens_per_day", "days", "gpu_days", "gpu_hours", "usd"}) {
    if (!columns[0].has(key) || !columns[1].has(key)) continue;
    const double ratio = columns[1].number(key) / columns[0].number(key);
    lowest = std::min(lowest, std::max(ratio, 1 / ratio));
    highest = std::max(highest, std::max(ratio, 1 / ratio));
    ++count;
  }
  if (count < 3 || highest / lowest - 1 > kRounding) return;
  findings.push_back({setting.name, "both", "column / column", Verdict::plausible,
                      fmt::format("all {} entries stand {:.2f} to {:.2f} apart: one ratio was "
                                  "applied to every row",
                                  count, lowest, highest)});
}

}  // namespace

void check_throughput(const config::TomlTable& table, std::vector<Finding>& findings) {
  const Setting setting = read_setting(table);
  const std::vector<config::TomlTable>& columns = table.tables("column");
  table.refuse_unknown_keys();
  for (const config::TomlTable& entries : columns) {
    Column column(setting, entries, findings);
    column.check_units();
    column.check_rate("tokens_per_s", 1);
    column.check_rate("tokens_per_day", 1 / 86'400.0);
    entries.refuse_unknown_keys();
  }
  check_ratios(setting, columns, findings);
  check_fit(setting, findings);
}

}  // namespace moe::model
