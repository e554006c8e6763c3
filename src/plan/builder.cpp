// Buffer placement: saved buffers one after another, workspace buffers by first fit in the best of
// three orders.
#include "plan/builder.h"

#include <algorithm>
#include <utility>

#include "moe/error.h"

namespace moe::plan {
namespace {

std::size_t aligned(std::size_t bytes, std::size_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

bool lives_overlap(const Buffer& a, const Buffer& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

Buffer make_buffer(std::string name, Region region, DType dtype, std::vector<std::int64_t> shape) {
  Buffer buffer{
      .name = std::move(name), .region = region, .dtype = dtype, .shape = std::move(shape)};
  buffer.bytes = size_of(dtype);
  for (std::int64_t dim : buffer.shape) buffer.bytes *= static_cast<std::size_t>(dim);
  return buffer;
}

/// Gives each buffer in turn the lowest place where no living one lies. Returns the bytes of the
/// region.
std::size_t first_fit(const std::vector<Buffer*>& order, std::size_t alignment) {
  std::size_t region_bytes = 0;
  std::vector<const Buffer*> placed;  // by offset
  for (Buffer* buffer : order) {
    std::size_t offset = 0;
    for (const Buffer* other : placed) {
      if (!lives_overlap(*buffer, *other)) continue;
      if (offset + buffer->bytes <= other->offset) break;  // fits into the gap before `other`
      offset = std::max(offset, other->offset + aligned(other->bytes, alignment));
    }
    buffer->offset = offset;
    const auto place =
        std::upper_bound(placed.begin(), placed.end(), buffer,
                         [](const Buffer* a, const Buffer* b) { return a->offset < b->offset; });
    placed.insert(place, buffer);
    region_bytes = std::max(region_bytes, offset + aligned(buffer->bytes, alignment));
  }
  return region_bytes;
}

void place_saved(Plan& plan, std::size_t alignment) {
  plan.saved_bytes = 0;
  for (Buffer& buffer : plan.buffers) {
    if (buffer.region != Region::saved) continue;
    buffer.offset = plan.saved_bytes;
    plan.saved_bytes += aligned(buffer.bytes, alignment);
  }
}

void place_workspace(Plan& plan, std::size_t alignment) {
  std::vector<Buffer*> buffers;
  for (Buffer& buffer : plan.buffers) {
    if (buffer.region == Region::workspace) buffers.push_back(&buffer);
  }
  const auto by = [&](auto key) {
    std::vector<Buffer*> order = buffers;
    std::stable_sort(order.begin(), order.end(),
                     [&](const Buffer* a, const Buffer* b) { return key(a) < key(b); });
    return order;
  };
  // None of these is best for every shape; with a handful of buffers all of them cost nothing.
  const std::vector<Buffer*> largest_first =
      by([](const Buffer* b) { return -static_cast<double>(b->bytes); });
  const std::vector<Buffer*> first_used_first = by([](const Buffer* b) { return b->first_step; });
  const std::vector<Buffer*> last_used_first = by([](const Buffer* b) { return -b->last_step; });
  const std::vector<Buffer*>* best = &largest_first;
  std::size_t fewest_bytes = first_fit(largest_first, alignment);
  for (const auto* order : {&first_used_first, &last_used_first}) {
    const std::size_t bytes = first_fit(*order, alignment);
    if (bytes >= fewest_bytes) continue;
    fewest_bytes = bytes;
    best = order;
  }
  plan.workspace_bytes = first_fit(*best, alignment);
}

}  // namespace

Builder::Builder(const Request& request, const DeviceTraits& traits)
    : alignment_(traits.alignment) {
  plan_.request = request;
}

void Builder::forward_step(std::string name, double flops, double bytes) {
  plan_.forward.push_back({.name = std::move(name), .flops = flops, .bytes = bytes});
}

void Builder::backward_step(std::string name, double flops, double bytes) {
  if (!plan_.request.training) return;
  plan_.backward.push_back({.name = std::move(name), .flops = flops, .bytes = bytes});
}

int Builder::num_steps() const {
  return static_cast<int>(plan_.forward.size() + plan_.backward.size());
}

int Builder::step_index(std::string_view name) const {
  int index = 0;
  for (const auto* steps : {&plan_.forward, &plan_.backward}) {
    for (const Step& step : *steps) {
      if (step.name == name) return index;
      ++index;
    }
  }
  throw Error(ErrorKind::internal, "the plan has no step '" + std::string(name) + "'");
}

void Builder::saved(std::string name, DType dtype, std::vector<std::int64_t> shape) {
  Buffer buffer = make_buffer(std::move(name), Region::saved, dtype, std::move(shape));
  buffer.last_step = num_steps() - 1;
  plan_.buffers.push_back(std::move(buffer));
}

void Builder::workspace(std::string name, DType dtype, std::vector<std::int64_t> shape,
                        std::string_view first, std::string_view last) {
  Buffer buffer = make_buffer(std::move(name), Region::workspace, dtype, std::move(shape));
  buffer.first_step = step_index(first);
  buffer.last_step = step_index(last);
  plan_.buffers.push_back(std::move(buffer));
}

void Builder::workspace(std::string name, DType dtype, std::vector<std::int64_t> shape) {
  Buffer buffer = make_buffer(std::move(name), Region::workspace, dtype, std::move(shape));
  buffer.last_step = num_steps() - 1;
  plan_.buffers.push_back(std::move(buffer));
}

Plan Builder::finish() {
  return lay_out(std::move(plan_), alignment_);
}

Plan lay_out(Plan plan, std::size_t alignment) {
  place_saved(plan, alignment);
  place_workspace(plan, alignment);
  return plan;
}

std::size_t saved_for_backward_bytes(const Plan& plan) {
  const LayerConfig& config = plan.request.config;
  std::size_t bytes =
      static_cast<std::size_t>(plan.request.max_tokens * config.hidden_dim) * size_of(config.dtype);
  for (const Buffer& buffer : plan.buffers) {
    if (buffer.region == Region::saved) bytes += buffer.bytes;
  }
  return bytes;
}

}  // namespace moe::plan
