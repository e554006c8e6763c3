// Places by name, and scans of whole tensors.
#include "truth/named_tensor.h"

#include <algorithm>
#include <cmath>

#include "truth/element.h"

namespace moe::truth {
namespace {

template <class Element, class IsBad>
void add_bad(const NamedTensor& tensor, const Element* values, std::int64_t begin, std::int64_t end,
             IsBad is_bad, Offences& offences) {
  std::int64_t count = 0, first = end;
#pragma omp parallel for reduction(+ : count) reduction(min : first) \
    if (is_worth_threads(end - begin))
  for (std::int64_t i = begin; i < end; ++i) {
    if (!is_bad(values[i])) continue;
    ++count;
    first = std::min(first, i);
  }
  if (count > 0 && offences.count == 0) {
    offences.first = tensor.name + " at " + place_of(tensor, first) + ": got " +
                     std::to_string(element(tensor.view, first));
  }
  offences.count += count;
}

template <class IsBad>
void add_bad(const NamedTensor& tensor, std::int64_t begin, std::int64_t end, IsBad is_bad,
             Offences& offences) {
  const auto narrow = [&](auto value) { return is_bad(static_cast<float>(value)); };
  switch (tensor.view.dtype) {
    case DType::bf16:
      return add_bad(tensor, tensor.view.as<bfloat16>(), begin, end, narrow, offences);
    case DType::f16:
      return add_bad(tensor, tensor.view.as<float16>(), begin, end, narrow, offences);
    case DType::f64: return add_bad(tensor, tensor.view.as<double>(), begin, end, is_bad, offences);
    default: return add_bad(tensor, tensor.view.as<float>(), begin, end, is_bad, offences);
  }
}

}  // namespace

std::string place_of(const NamedTensor& tensor, std::int64_t index) {
  std::string place;
  for (int axis = tensor.view.rank - 1; axis >= 0; --axis) {
    const std::string at = std::to_string(index % tensor.view.shape[axis]);
    index /= tensor.view.shape[axis];
    place = std::string(tensor.axes[axis]) + " " + at + (place.empty() ? "" : ", ") + place;
  }
  return place;
}

void compare(const NamedTensor& got, std::int64_t first, std::int64_t stride,
             const std::vector<double>& want, Difference& difference) {
  const auto count = static_cast<std::int64_t>(want.size());
  const std::vector<double> values = read(got.view, first, stride, count);
  for (std::int64_t i = 0; i < count; ++i) difference.add(values[i], want[i], first + i * stride);
}

void add_not_finite(const NamedTensor& tensor, std::int64_t begin, std::int64_t end,
                    Offences& offences) {
  add_bad(
      tensor, begin, end, [](auto value) { return !std::isfinite(value); }, offences);
}

void add_not_zero(const NamedTensor& tensor, std::int64_t begin, std::int64_t end,
                  Offences& offences) {
  add_bad(
      tensor, begin, end, [](auto value) { return !(value == 0); }, offences);
}

}  // namespace moe::truth
