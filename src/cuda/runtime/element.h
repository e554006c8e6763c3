// From a run-time DType to the compile-time element type of a kernel, and back.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <string>

#include "moe/dtype.h"
#include "moe/error.h"

namespace moe::cuda {

template <class Element>
inline constexpr DType kDTypeOf = DType::f32;
template <>
inline constexpr DType kDTypeOf<__nv_bfloat16> = DType::bf16;
template <>
inline constexpr DType kDTypeOf<__half> = DType::f16;

/// Calls `work.operator()<Element>()` for __nv_bfloat16 or __half. Throws Error{internal}, with the
/// kernel's name, for other types.
template <class Work>
void with_narrow_element(const char* kernel, DType dtype, Work&& work) {
  if (dtype == DType::bf16) return work.template operator()<__nv_bfloat16>();
  if (dtype == DType::f16) return work.template operator()<__half>();
  throw Error(ErrorKind::internal, std::string(kernel) + ": no " + std::string(name_of(dtype)));
}

/// The same for float too.
template <class Work>
void with_element(const char* kernel, DType dtype, Work&& work) {
  if (dtype == DType::f32) return work.template operator()<float>();
  with_narrow_element(kernel, dtype, work);
}

}  // namespace moe::cuda
