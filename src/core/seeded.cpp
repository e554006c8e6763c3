// Host fill of seeded tensors.
#include "core/seeded.h"

#include <string>

#include "moe/error.h"

namespace moe {
namespace {

template <class Element>
void fill(Element* values, std::int64_t count, std::uint64_t seed, RandomStream stream,
          float deviation, std::int64_t first) {
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < count; ++i) {
    const auto index = static_cast<std::uint64_t>(first + i);
    const float value = deviation * random_normal(seed, stream, index);
    values[i] = static_cast<Element>(value);
  }
}

}  // namespace

void fill_normal(TensorView tensor, std::uint64_t seed, RandomStream stream, float deviation,
                 std::int64_t first) {
  switch (tensor.dtype) {
    case DType::f32: return fill(tensor.as<float>(), tensor.size(), seed, stream, deviation, first);
    case DType::bf16:
      return fill(tensor.as<bfloat16>(), tensor.size(), seed, stream, deviation, first);
    case DType::f16:
      return fill(tensor.as<float16>(), tensor.size(), seed, stream, deviation, first);
    case DType::f64:
      return fill(tensor.as<double>(), tensor.size(), seed, stream, deviation, first);
    default:
      throw Error(ErrorKind::internal, "fill_normal: no " + std::string(name_of(tensor.dtype)));
  }
}

}  // namespace moe
