// Whole arrays are cut into layers.
#include "measure/trace/trace_arrays.h"

#include <string>
#include <vector>

#include "moe/error.h"
#include "record/npy_reader.h"

namespace moe::measure {
namespace {

using Shape = std::vector<std::int64_t>;

std::string text_of(const Shape& shape) {
  std::string text;
  for (const std::int64_t dim : shape) text += (text.empty() ? "" : ", ") + std::to_string(dim);
  return "[" + text + "]";
}

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& why,
                       const std::string& remedy) {
  throw Error(ErrorKind::usage, file.string(), why, remedy);
}

void require_shape(const record::NpyArray& array, const Shape& wanted) {
  if (array.shape == wanted) return;
  fail(array.name, "its shape is " + text_of(array.shape) + ", the ids call for " + text_of(wanted),
       "ids and scores are [T, K] or [L, T, K], logits [T, E] or [L, T, E]");
}

/// `values` as one piece per layer.
template <class Element>
std::vector<Element> piece(const std::vector<Element>& values, std::size_t layer,
                           std::size_t num_layers) {
  const std::size_t count = values.size() / num_layers;
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(layer * count);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

std::vector<float> floats_of(const std::filesystem::path& file, const Shape& wanted) {
  if (file.empty()) return {};
  const record::NpyArray array = record::read_npy(file);
  require_shape(array, wanted);
  return array.floats();
}

std::int64_t experts_of(const std::filesystem::path& logits) {
  const Shape shape = record::read_npy(logits).shape;
  return shape.empty() ? 0 : shape.back();
}

}  // namespace

routing::Trace trace_from_arrays(const TraceArrays& arrays, std::int64_t num_experts) {
  const record::NpyArray ids = record::read_npy(arrays.ids);
  const Shape& shape = ids.shape;
  if (shape.size() != 2 && shape.size() != 3) {
    fail(arrays.ids, "its shape is " + text_of(shape), "ids are [T, K] or [L, T, K]");
  }
  if (num_experts == 0) {
    if (arrays.logits.empty())
      fail(arrays.ids, "ids do not tell how many experts there are", "give --num-experts");
    num_experts = experts_of(arrays.logits);
  }
  Shape of_logits = shape;
  of_logits.back() = num_experts;
  const std::vector<std::int32_t> experts = ids.integers();
  const std::vector<float> scores = floats_of(arrays.scores, shape);
  const std::vector<float> logits = floats_of(arrays.logits, of_logits);

  routing::Trace trace{.tokens = shape[shape.size() - 2],
                       .num_experts = num_experts,
                       .top_k = shape.back(),
                       .origin = "converted from " + arrays.ids.filename().string()};
  // An array without elements has no layers either: check_trace() says so.
  const std::size_t num_layers =
      experts.empty() ? 0 : static_cast<std::size_t>(shape.size() == 3 ? shape[0] : 1);
  for (std::size_t layer = 0; layer < num_layers; ++layer) {
    trace.layers.push_back({piece(experts, layer, num_layers), piece(scores, layer, num_layers),
                            piece(logits, layer, num_layers)});
  }
  routing::check_trace(trace, arrays.ids.string());
  return trace;
}

}  // namespace moe::measure
