// Rows as fields, once for JSON and once for CSV.
#include "report/throughput/throughput_files.h"

#include <fmt/format.h>

#include <cmath>

#include "model/layer/model_parts.h"
#include "report/text/table.h"

namespace moe::report {
namespace {

using model::Scope;
using record::Fields;

Fields fields_of(const model::EstimateRow& row) {
  return {{"scope", std::string(name_of(row.scope))},
          {"variant", row.variant},
          {"gpus", row.gpus},
          {"basis", std::string(name_of(row.origin))},
          {"layer_basis", std::string(name_of(row.layer_origin))},
          {"fits", row.fits},
          {"memory_bytes_per_gpu", row.memory_bytes},
          {"tokens_per_s_per_gpu_low", row.low},
          {"tokens_per_s_per_gpu", row.base},
          {"tokens_per_s_per_gpu_high", row.high},
          {"bf16_peak_fraction", row.utilization},
          {"tokens_per_s", row.cost.tokens_per_s},
          {"tokens_per_day", row.cost.tokens_per_day},
          {"days", row.cost.days},
          {"gpu_days", row.cost.gpu_days},
          {"gpu_hours", row.cost.gpu_hours},
          {"cost_usd_low", row.high_cost.usd},
          {"cost_usd", row.cost.usd},
          {"cost_usd_high", row.low_cost.usd},
          {"usd_per_million_tokens", row.cost.usd_per_million_tokens},
          {"energy_kwh", row.cost.energy_kwh},
          {"saved_fraction", row.saving.value_or(std::nan(""))},
          {"plan", row.plan}};
}

std::string text_of(const record::Value& value) {
  if (const auto* number = std::get_if<double>(&value)) {
    return std::isnan(*number) ? "" : fmt::format("{:.10g}", *number);
  }
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *whole);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  return std::get<std::string>(value);
}

Fields assumptions(const model::EstimateRequest& request) {
  const model::TrainingSetup& setup = request.training;
  return {{"config", setup.model.name},
          {"phase", std::string(name_of(request.workload))},
          {"gpu", std::string(setup.gpu.name)},
          {"flop_per_token", flops_per_token(request)},
          {"parameters", model::model_parts(setup.model).total},
          {"active_parameters", model::model_parts(setup.model).active},
          {"seq_len", setup.model.seq_len},
          {"global_batch", request.wishes.global_batch},
          {"fp8", setup.fp8},
          {"graphs", setup.graphs},
          {"nvlink_bytes_per_s", setup.network.nvlink.bytes_per_s},
          {"infiniband_bytes_per_s", setup.network.infiniband.bytes_per_s},
          {"gpus_per_node", setup.network.gpus_per_node},
          {"tokens_total", request.cost.tokens_total},
          {"price_usd_per_gpu_hour", request.cost.price_per_gpu_hour},
          {"goodput", request.cost.goodput},
          {"gpu_watts", request.cost.gpu_watts},
          {"pue", request.cost.pue},
          {"baseline", request.baseline}};
}

}  // namespace

std::string basis_text(const model::EstimateRow& row) {
  const std::string text(name_of(row.origin));
  return row.layer_origin == row.origin
             ? text
             : text + ", layer " + std::string(name_of(row.layer_origin));
}

std::vector<SolidPoint> measured_points(const model::Estimate& estimate) {
  if (estimate.scaling.empty()) return {};
  const model::EstimateRow& shown = estimate.scaling.front();
  const bool whole = shown.scope == Scope::model;
  std::vector<SolidPoint> points;
  bool is_measured = false;
  for (const model::EstimateRow& row : estimate.rows) {
    if (row.variant != shown.variant || row.scope == Scope::model || !row.fits) continue;
    if (row.scope == Scope::layer) is_measured = row.origin == model::Origin::measured;
    if (!is_measured || row.scope != (whole ? Scope::moe_layers : Scope::layer)) continue;
    points.push_back(
        {1, row.base, whole ? "MoE layers alone" : "this layer", model::Origin::measured});
  }
  return points;
}

record::Document throughput_document(const Fields& head, const model::EstimateRequest& request,
                                     const model::Estimate& estimate) {
  record::Document document;
  document.head = head;
  for (const auto& field : assumptions(request)) document.head.push_back(field);
  document.head.emplace_back("fewest_gpus", estimate.fewest.value_or(0));
  std::vector<Fields> rows, scaling, factors;
  for (const model::EstimateRow& row : estimate.rows) rows.push_back(fields_of(row));
  for (const model::EstimateRow& row : estimate.scaling) scaling.push_back(fields_of(row));
  for (const model::FactorRule& rule : model::factor_rules()) {
    factors.push_back({{"name", std::string(rule.name)},
                       {"low", request.factors.low.*rule.member},
                       {"base", request.factors.base.*rule.member},
                       {"high", request.factors.high.*rule.member}});
  }
  document.lists = {{"rows", rows}, {"scaling", scaling}, {"factors", factors}};
  return document;
}

std::string throughput_csv(const model::Estimate& estimate) {
  TextTable table;
  std::vector<model::EstimateRow> rows = estimate.rows;
  rows.insert(rows.end(), estimate.scaling.begin(), estimate.scaling.end());
  for (const model::EstimateRow& row : rows) {
    std::vector<std::string> cells;
    for (const auto& [name, value] : fields_of(row)) {
      if (table.rows.empty()) table.header.push_back(name);
      cells.push_back(text_of(value));
    }
    table.rows.push_back(std::move(cells));
  }
  return to_csv(table);
}

}  // namespace moe::report
