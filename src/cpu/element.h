// From a run-time DType to a compile-time element type, and rows of one type to float and back.
#pragma once

#include <cstdint>
#include <string>

#include "moe/dtype.h"
#include "moe/error.h"

namespace moe::cpu {

/// Calls `work.operator()<Element>()` for float, bfloat16 or float16.
template <class Work>
void with_element(DType dtype, Work&& work) {
  switch (dtype) {
    case DType::f32: return work.template operator()<float>();
    case DType::bf16: return work.template operator()<bfloat16>();
    case DType::f16: return work.template operator()<float16>();
    default: throw Error(ErrorKind::internal, "no CPU rows of " + std::string(name_of(dtype)));
  }
}

}  // namespace moe::cpu
