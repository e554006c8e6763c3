// Carves the two memory regions that a caller lends to a layer into the buffers that its plan
// lists. A backend has no other way to get memory, so what is predicted cannot drift from what is
// used.
#pragma once

#include <cstddef>
#include <string_view>

#include "moe/device.h"
#include "moe/tensor.h"
#include "moe/variant.h"

namespace moe {

class Arena {
 public:
  /// Throws Error{usage} when a region is smaller than the plan asks for. `plan` must outlive the
  /// arena.
  Arena(const Plan& plan, Memory saved, Memory workspace);

  /// The buffer of that name, with the plan's type and shape. Throws Error{internal} on an unknown
  /// name.
  TensorView operator[](std::string_view name) const;

  template <class Element>
  Element* get(std::string_view name) const {
    return (*this)[name].as<Element>();
  }
  bool has(std::string_view name) const { return find(name) != nullptr; }

 private:
  const Buffer* find(std::string_view name) const;

  const Plan& plan_;
  Memory saved_;
  Memory workspace_;
};

}  // namespace moe
