// What can be wrong between a trace and a configuration is said here, with the flag that mends it.
#include "measure/trace/trace_file.h"

#include <algorithm>
#include <fstream>
#include <vector>

#include "moe/error.h"
#include "record/files.h"

namespace moe::measure {
namespace {

void require_fit(const routing::Trace& trace, const routing::Traffic& traffic,
                 const ModelConfig& model) {
  const auto require = [&](bool holds, const std::string& why, const std::string& remedy) {
    if (!holds) throw Error(ErrorKind::usage, traffic.trace_file, why, remedy);
  };
  const auto number = [](std::int64_t value) { return std::to_string(value); };
  const auto num_layers = std::ssize(trace.layers);
  require(traffic.trace_layer < num_layers,
          "it has " + number(num_layers) + (num_layers == 1 ? " layer" : " layers") +
              ", not layer " + number(traffic.trace_layer),
          "layers count from 0: @0 to @" + number(num_layers - 1));
  require(trace.num_experts == model.layer.num_experts,
          "it routes to " + number(trace.num_experts) + " experts, the configuration has " +
              number(model.layer.num_experts),
          "use --num-experts " + number(trace.num_experts));
  require(trace.top_k == model.layer.top_k,
          "its tokens have " + number(trace.top_k) + " experts each, those of the configuration " +
              number(model.layer.top_k),
          "use --top-k " + number(trace.top_k));
  require(trace.tokens >= model.tokens(),
          "it has " + number(trace.tokens) + " tokens, the configuration " + number(model.tokens()),
          "use --tokens " + number(trace.tokens) + " or less");
}

template <class Element>
void cut(std::vector<Element>& values, std::int64_t count) {
  if (!values.empty()) values.resize(static_cast<std::size_t>(count));
}

}  // namespace

bool is_trace_file(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) return false;
  std::string start(routing::kTraceMagic.size(), '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(start.data(), static_cast<std::streamsize>(start.size()));
  return stream.good() && routing::is_trace(start);
}

TraceInput load_trace(const routing::Traffic& traffic, const ModelConfig& model) {
  const std::string bytes = record::read_file(traffic.trace_file);
  routing::Trace trace = routing::parse_trace(bytes, traffic.trace_file);
  require_fit(trace, traffic, model);
  TraceInput input{std::move(trace.layers[static_cast<std::size_t>(traffic.trace_layer)]),
                   routing::trace_hash(bytes)};
  cut(input.layer.experts, model.tokens() * trace.top_k);
  cut(input.layer.scores, model.tokens() * trace.top_k);
  cut(input.layer.logits, model.tokens() * trace.num_experts);
  return input;
}

}  // namespace moe::measure
