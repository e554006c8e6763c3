// A view of a dense row-major tensor: a pointer, a type and a shape. It owns nothing.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "moe/dtype.h"

namespace moe {

struct TensorView {
  void* data = nullptr;
  DType dtype = DType::f32;
  int rank = 0;
  std::array<std::int64_t, 4> shape{};

  TensorView() = default;
  TensorView(void* pointer, DType type, std::initializer_list<std::int64_t> dims)
      : data(pointer), dtype(type), rank(static_cast<int>(dims.size())) {
    int axis = 0;
    for (std::int64_t dim : dims) shape[axis++] = dim;
  }

  /// An empty view stands for an absent input or an output that nobody wants.
  bool empty() const { return data == nullptr; }

  std::int64_t size() const {
    std::int64_t count = 1;
    for (int axis = 0; axis < rank; ++axis) count *= shape[axis];
    return count;
  }
  std::size_t bytes() const { return static_cast<std::size_t>(size()) * size_of(dtype); }

  template <class Element>
  Element* as() const {
    return static_cast<Element*>(data);
  }
};

}  // namespace moe
