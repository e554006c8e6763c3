// The screen of `show TRACE`.
#include "report/bench/trace_text.h"

#include <fmt/format.h>

#include "report/text/format.h"
#include "report/text/table.h"

namespace moe::report {
namespace {

std::string contents_text(const record::TraceSummary& trace) {
  std::string text = "experts";
  if (trace.has_scores) text += ", scores";
  if (trace.has_logits) text += ", logits";
  return text;
}

std::string size_text(std::int64_t bytes) {
  if (bytes < 100'000) return format_integer(bytes) + " bytes";
  return format_bytes(static_cast<double>(bytes));
}

std::string table_text(const record::TraceSummary& trace) {
  TextTable table;
  table.header = {"layer", "used", "max/mean", "min/mean", "CV", "entropy", "Gini"};
  table.alignment.assign(table.header.size(), Align::right);
  for (std::size_t layer = 0; layer < trace.layers.size(); ++layer) {
    const record::Load& load = trace.layers[layer];
    table.rows.push_back({fmt::format("{}", layer),
                          fmt::format("{}/{}", load.used_experts, trace.num_experts),
                          fmt::format("{:.2f}", load.max_over_mean),
                          fmt::format("{:.2f}", load.min_over_mean), fmt::format("{:.3f}", load.cv),
                          fmt::format("{:.3f}", load.entropy), fmt::format("{:.3f}", load.gini)});
  }
  return to_text(table);
}

}  // namespace

std::string trace_shape_text(const record::TraceSummary& trace) {
  return fmt::format("T={} E={} K={}, {} layer{}", trace.tokens, trace.num_experts, trace.top_k,
                     trace.layers.size(), trace.layers.size() == 1 ? "" : "s");
}

std::string trace_text(const record::TraceSummary& trace) {
  std::string text = fmt::format("# trace    {}, {} | {}\n# shape    {} | {}\n", trace.file,
                                 size_text(trace.file_bytes), trace.hash, trace_shape_text(trace),
                                 contents_text(trace));
  if (!trace.origin.empty()) text += "# origin   " + trace.origin + "\n";
  text += table_text(trace);
  text += fmt::format("CV of fair random routing: {:.3f}\n", trace.layers.front().cv_random);
  if (!trace.has_logits) text += "without logits: rounding rules that add pairs cannot run on it\n";
  return text +
         fmt::format("replay     --num-experts {} --top-k {} --tokens {} --routing trace:{}@0\n",
                     trace.num_experts, trace.top_k, trace.tokens, trace.path);
}

}  // namespace moe::report
