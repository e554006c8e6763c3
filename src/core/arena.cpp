// Arena: buffer names to addresses.
#include "core/arena.h"

#include <string>

#include "moe/error.h"

namespace moe {
namespace {

void require(std::string_view region, std::size_t given, std::size_t needed) {
  if (given >= needed) return;
  throw Error(ErrorKind::usage, std::string(region) + " region is too small",
              std::to_string(given) + " bytes given, " + std::to_string(needed) + " needed",
              "allocate what Plan::saved_bytes and Plan::workspace_bytes say");
}

}  // namespace

Arena::Arena(const Plan& plan, Memory saved, Memory workspace)
    : plan_(plan), saved_(saved), workspace_(workspace) {
  require("saved", saved.bytes, plan.saved_bytes);
  require("workspace", workspace.bytes, plan.workspace_bytes);
}

const Buffer* Arena::find(std::string_view name) const {
  for (const Buffer& buffer : plan_.buffers) {
    if (buffer.name == name) return &buffer;
  }
  return nullptr;
}

TensorView Arena::operator[](std::string_view name) const {
  const Buffer* buffer = find(name);
  if (buffer == nullptr) {
    throw Error(ErrorKind::internal, "the plan has no buffer '" + std::string(name) + "'");
  }
  const Memory& region = buffer->region == Region::saved ? saved_ : workspace_;
  TensorView view;
  view.data = region.data + buffer->offset;
  view.dtype = buffer->dtype;
  for (std::int64_t dim : buffer->shape) view.shape[view.rank++] = dim;
  return view;
}

}  // namespace moe
