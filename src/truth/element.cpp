// Conversion to double and the two inner loops.
#include "truth/element.h"

#include <string>

#include "moe/error.h"

namespace moe::truth {
namespace {

template <class Element>
void convert(const Element* from, std::int64_t stride, std::int64_t count, double* to) {
  if (stride == 1) {
    for (std::int64_t i = 0; i < count; ++i)
      to[i] = static_cast<double>(static_cast<float>(from[i]));
  } else {
    for (std::int64_t i = 0; i < count; ++i) {
      to[i] = static_cast<double>(static_cast<float>(from[i * stride]));
    }
  }
}

}  // namespace

void read(const TensorView& view, std::int64_t first, std::int64_t stride, std::int64_t count,
          double* to) {
  switch (view.dtype) {
    case DType::f32: return convert(view.as<float>() + first, stride, count, to);
    case DType::bf16: return convert(view.as<bfloat16>() + first, stride, count, to);
    case DType::f16: return convert(view.as<float16>() + first, stride, count, to);
    case DType::f64: {
      const double* from = view.as<double>() + first;
      for (std::int64_t i = 0; i < count; ++i) to[i] = from[i * stride];
      return;
    }
    case DType::i32:
    case DType::i64: break;
  }
  throw Error(ErrorKind::internal,
              "truth cannot read a tensor of " + std::string(name_of(view.dtype)),
              "only float types have values in double");
}

std::vector<double> read(const TensorView& view, std::int64_t first, std::int64_t stride,
                         std::int64_t count) {
  std::vector<double> values(static_cast<std::size_t>(count));
  read(view, first, stride, count, values.data());
  return values;
}

double element(const TensorView& view, std::int64_t index) {
  double value = 0;
  read(view, index, 1, 1, &value);
  return value;
}

double dot(const double* a, const double* b, std::int64_t count) {
  // Eight sums side by side: one alone would wait for each addition.
  double lanes[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
#pragma omp simd
    for (int lane = 0; lane < 8; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < count; ++i) lanes[0] += a[i] * b[i];
  double sum = 0;
  for (double lane : lanes) sum += lane;
  return sum;
}

void add_scaled(double factor, const double* from, std::int64_t count, double* to) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) to[i] += factor * from[i];
}

}  // namespace moe::truth
