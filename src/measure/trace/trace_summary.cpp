// Counts of experts, layer by layer.
#include "measure/trace/trace_summary.h"

#include <algorithm>
#include <vector>

#include "measure/run/load_report.h"
#include "record/files.h"
#include "routing/trace.h"

namespace moe::measure {
namespace {

/// Origins come from anywhere: nothing in them may move a terminal's cursor.
std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

}  // namespace

record::TraceSummary summarize_trace(const std::filesystem::path& file) {
  const std::string bytes = record::read_file(file);
  const routing::Trace trace = routing::parse_trace(bytes, file.string());
  LayerConfig config;
  config.num_experts = trace.num_experts;
  config.top_k = trace.top_k;
  record::TraceSummary summary{.file = file.filename().string(),
                               .path = file.string(),
                               .hash = routing::trace_hash(bytes),
                               .origin = printable(trace.origin),
                               .tokens = trace.tokens,
                               .num_experts = trace.num_experts,
                               .top_k = trace.top_k,
                               .has_scores = trace.has_scores(),
                               .has_logits = trace.has_logits(),
                               .file_bytes = static_cast<std::int64_t>(bytes.size())};
  for (const routing::TraceLayer& layer : trace.layers) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(trace.num_experts));
    for (const std::int32_t expert : layer.experts) ++rows[static_cast<std::size_t>(expert)];
    summary.layers.push_back(load_record(config, rows, trace.tokens));
  }
  return summary;
}

}  // namespace moe::measure
