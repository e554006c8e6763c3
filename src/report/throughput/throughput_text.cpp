// Header, one table per scope, then what the last plan spends its memory and time on.
#include "report/throughput/throughput_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/layer/layer_cost.h"
#include "model/layer/model_parts.h"
#include "report/text/format.h"
#include "report/text/table.h"
#include "report/throughput/throughput_files.h"

namespace moe::report {
namespace {

using model::Estimate;
using model::EstimateRequest;
using model::EstimateRow;
using model::Scope;
using model::Workload;

std::string gb(double bytes) {
  return fmt::format("{:.1f}", bytes / 1e9);
}

std::string rate(double tokens_per_s) {
  return tokens_per_s >= 100 ? format_integer(static_cast<std::int64_t>(tokens_per_s + 0.5))
                             : format_number(tokens_per_s, tokens_per_s, 3);
}

/// Three digits, however small: a million tokens may cost a hundredth of a cent.
std::string figure(double value) {
  return value > 0 && value < 1 ? fmt::format("{:.3g}", value) : format_number(value, value, 3);
}

std::string work_in_words(Workload workload) {
  switch (workload) {
    case Workload::train: return "forward and backward";
    case Workload::prefill: return "forward";
    case Workload::decode: return "forward of one decode step";
  }
  return "";
}

TextTable empty_table(bool serves) {
  TextTable table;
  table.header = {"variant", "low", "tokens/s/GPU", "high",   "tokens/day", "days", "GPU-h",
                  "USD",     "MWh", "% of peak",    "GB/GPU", "saves",      "basis"};
  table.alignment.assign(table.header.size(), Align::right);
  table.alignment.front() = table.alignment.back() = Align::left;
  if (serves) table.header[7] = "USD/M tokens";
  return table;
}

std::vector<std::string> cells_of(const EstimateRow& row, bool serves, bool is_baseline) {
  const model::Cost& cost = row.cost;
  return {row.variant,
          rate(row.low),
          rate(row.base),
          rate(row.high),
          format_amount(cost.tokens_per_day),
          figure(cost.days),
          format_amount(cost.gpu_hours),
          serves ? figure(cost.usd_per_million_tokens) : format_amount(cost.usd),
          figure(cost.energy_kwh / 1000),
          fmt::format("{:.1f}", 100 * row.utilization),
          gb(row.memory_bytes),
          is_baseline  ? "baseline"
          : row.saving ? format_percent(*row.saving)
                       : "-",
          basis_text(row)};
}

/// The rows of one scope and number of GPUs as a table.
std::string scope_table(const EstimateRequest& request, const std::vector<EstimateRow>& rows,
                        Scope scope, std::int64_t gpus) {
  const bool serves = request.workload != Workload::train;
  TextTable table = empty_table(serves);
  for (const EstimateRow& row : rows) {
    if (row.scope != scope || row.gpus != gpus) continue;
    if (row.fits) {
      table.rows.push_back(cells_of(row, serves, row.variant == request.baseline));
    } else if (row.memory_bytes == 0) {
      table.rows.push_back({row.variant, row.plan});
    } else {
      table.rows.push_back(
          {row.variant, fmt::format("does not fit: the smallest plan needs {} GB per GPU of {}",
                                    gb(row.memory_bytes),
                                    gb(static_cast<double>(request.training.gpu.memory_bytes)))});
    }
  }
  return to_text(table);
}

std::string layer_section(const EstimateRequest& request, const Estimate& result) {
  const ModelConfig& model = request.training.model;
  if (model.num_moe_layers() == 0) return "";
  const std::int64_t gpus = request.gpus.front();
  std::string text = fmt::format("\none MoE layer, {}; {} {}, each for itself, {} tokens at once\n",
                                 work_in_words(request.workload), gpus, request.training.gpu.name,
                                 format_integer(layer_tokens(request)));
  text += scope_table(request, result.rows, Scope::layer, gpus);
  if (model.num_moe_layers() > 1) {
    text += fmt::format("\nall {} MoE layers one after another, without what lies between them\n",
                        model.num_moe_layers());
    text += scope_table(request, result.rows, Scope::moe_layers, gpus);
  }
  return text;
}

std::vector<std::int64_t> model_gpus(const Estimate& result) {
  std::vector<std::int64_t> counts;
  for (const EstimateRow& row : result.rows) {
    if (row.scope != Scope::model) continue;
    if (counts.empty() || counts.back() != row.gpus) counts.push_back(row.gpus);
  }
  return counts;
}

std::string model_section(const EstimateRequest& request, const Estimate& result) {
  std::string text;
  for (std::int64_t gpus : model_gpus(result)) {
    const EstimateRow* last = nullptr;  // that fits
    for (const EstimateRow& row : result.rows) {
      if (row.scope == Scope::model && row.gpus == gpus && row.fits) last = &row;
    }
    text += fmt::format("\nwhole model, {} {}, each row by its own best plan\n",
                        format_integer(gpus), request.training.gpu.name);
    text += scope_table(request, result.rows, Scope::model, gpus);
    if (last != nullptr) {
      text += fmt::format("plan of {}: {}\n", last->variant, last->plan);
      continue;
    }
    text += result.fewest ? fmt::format("fewest {} that hold it: {}\n", request.training.gpu.name,
                                        *result.fewest)
                          : "no number of GPUs up to 16,384 holds it\n";
  }
  return text;
}

/// "sonic on 176 GPUs", the row that estimate() kept the plan of; empty without one.
std::string last_planned(const Estimate& result) {
  std::string text;
  for (const EstimateRow& row : result.rows) {
    if (row.scope != Scope::model || !row.fits) continue;
    text = fmt::format("{} on {} GPUs", row.variant, format_integer(row.gpus));
  }
  return text;
}

std::string share(const char* name, double part, double total) {
  return part / total < 0.0005 ? "" : fmt::format(" {} {:.1f} % |", name, 100 * part / total);
}

std::string budget(const model::StepParts& p) {
  const double t = p.total();
  std::string text =
      "time       " + share("MoE", p.moe, t) + share("attention", p.attention, t) +
      share("dense and head", p.dense, t) + share("passes", p.passes, t) +
      share("recomputed", p.recompute, t) + share("all-to-all exposed", p.all_to_all, t) +
      share("tensor exchange", p.tensor_exchange, t) + share("imbalance", p.imbalance, t) +
      share("host", p.host, t) + share("bubble", p.bubble, t) + share("reduction", p.reduction, t) +
      share("optimizer", p.optimizer, t);
  return text.substr(0, text.size() - 2) + "\n";
}

std::string plan_section(const Estimate& result) {
  if (last_planned(result).empty()) return "";
  if (result.training_plan) {
    const model::MemoryParts& m = result.training_plan->memory;
    return fmt::format(
               "\n{}\nmemory      weights {} | gradients {} | optimizer {} | "
               "activations {} | workspace {} | exchange {} | reserved {} GB\n",
               last_planned(result), gb(m.weights), gb(m.gradients), gb(m.optimizer),
               gb(m.activations), gb(m.workspace), gb(m.exchange), gb(m.reserved)) +
           budget(result.training_plan->parts);
  }
  if (!result.serving_plan) return "";
  const model::ServingMemory& m = result.serving_plan->memory;
  const model::ServingParts& p = result.serving_plan->parts;
  const double t = p.total();
  std::string text = "time       " + share("weights and cache", p.weights_and_cache, t) +
                     share("attention", p.attention, t) + share("experts", p.experts, t) +
                     share("exchange", p.exchange, t) + share("start-up", p.latency, t);
  return fmt::format(
             "\n{}: {} per pass\nmemory      weights {} | cache {} | workspace "
             "{} | reserved {} GB\n",
             last_planned(result), format_time(t), gb(m.weights), gb(m.cache), gb(m.workspace),
             gb(m.reserved)) +
         text.substr(0, text.size() - 2) + "\n";
}

std::string scaling_section(const Estimate& result) {
  double best = 0;
  for (const EstimateRow& row : result.scaling) best = std::max(best, row.base);
  if (best == 0) return "";
  TextTable table;
  table.header = {"GPUs", "tokens/s/GPU", "tokens/day", "efficiency",
                  "days", "USD",          "GB/GPU",     "plan"};
  table.alignment.assign(table.header.size(), Align::right);
  table.alignment.back() = Align::left;
  for (const EstimateRow& row : result.scaling) {
    if (!row.fits) {
      table.rows.push_back({format_integer(row.gpus),
                            row.memory_bytes == 0 ? row.plan
                                                  : "does not fit: at least " +
                                                        gb(row.memory_bytes) + " GB per GPU"});
      continue;
    }
    table.rows.push_back({format_integer(row.gpus), rate(row.base),
                          format_amount(row.cost.tokens_per_day), format_percent(row.base / best),
                          figure(row.cost.days), format_amount(row.cost.usd), gb(row.memory_bytes),
                          row.plan});
  }
  const EstimateRow& first = result.scaling.front();
  const bool whole = first.scope == Scope::model;
  return fmt::format("\nscaling of {}, {} ({})\n",
                     whole ? "the whole model" : "one MoE layer whose experts the GPUs share",
                     first.variant, basis_text(first)) +
         to_text(table);
}

std::string model_line(const EstimateRequest& request) {
  const ModelConfig& model = request.training.model;
  if (!model::is_whole_model(model)) {
    return fmt::format("# model    {}: attention and vocabulary are not known, so layers alone\n",
                       model.name);
  }
  const model::ModelParts parts = model::model_parts(model);
  return fmt::format(
      "# model    {}: {} parameters, {} active | {} layers, {} with experts | {} per "
      "token\n",
      model.name, format_amount(parts.total), format_amount(parts.active), model.num_layers,
      model.num_moe_layers(), format_flops(flops_per_token(request)));
}

std::string assumptions_line(const EstimateRequest& request) {
  const model::CostRules& cost = request.cost;
  std::string text = fmt::format(
      "# assumed  {} tokens in all, {:.2f} USD per GPU-hour, goodput {:.0f} %, {:.0f} W per GPU, "
      "PUE {:.2f}\n",
      format_amount(cost.tokens_total), cost.price_per_gpu_hour, 100 * cost.goodput, cost.gpu_watts,
      cost.pue);
  if (request.workload == Workload::train) {
    return text + fmt::format("# assumed  steps of {} sequences of {} tokens, {} GEMMs, {}, {}\n",
                              format_integer(request.wishes.global_batch),
                              format_integer(request.training.model.seq_len),
                              request.training.fp8 ? "8-bit" : "bf16",
                              name_of(request.training.optimizer),
                              request.training.graphs ? "CUDA graphs" : "an eager framework");
  }
  return text + fmt::format("# assumed  context {} tokens, {:.0f}-bit weights, {:.0f}-bit cache\n",
                            format_integer(request.serving.context),
                            8 * request.serving.bytes_per_weight,
                            8 * request.serving.bytes_per_cached);
}

}  // namespace

std::string throughput_header(const EstimateRequest& request) {
  const model::TrainingSetup& setup = request.training;
  return model_line(request) +
         fmt::format("# on       {} x {} | NVLink {} in nodes of {}, InfiniBand {} per GPU\n",
                     request.gpus.front(), setup.gpu.product,
                     format_byte_rate(setup.network.nvlink.bytes_per_s),
                     setup.network.gpus_per_node,
                     format_byte_rate(setup.network.infiniband.bytes_per_s)) +
         assumptions_line(request) +
         "# ranges   low .. high: every factor at its pessimistic and at its optimistic value "
         "(throughput factors)\n";
}

std::string throughput_tables(const EstimateRequest& request, const Estimate& result) {
  return layer_section(request, result) + model_section(request, result) + plan_section(result) +
         scaling_section(result);
}

std::string factors_text() {
  TextTable table;
  table.header = {"factor", "low", "base", "high", "source"};
  table.alignment = {Align::left, Align::right, Align::right, Align::right, Align::left};
  for (const model::FactorRule& rule : model::factor_rules()) {
    table.rows.push_back({std::string(rule.name), fmt::format("{:g}", rule.low),
                          fmt::format("{:g}", rule.base), fmt::format("{:g}", rule.high),
                          std::string(rule.source)});
  }
  return to_text(table);
}

}  // namespace moe::report
