// Elements of host tensors as double, and the two loops that everything else is made of.
#pragma once

#include <cstdint>
#include <vector>

#include "moe/tensor.h"

namespace moe::truth {

/// Whether a loop of so many multiply-adds is worth waking threads for.
constexpr bool is_worth_threads(std::int64_t work) {
  return work > 200'000;
}

/// Elements first, first + stride, ...: `count` of them. Throws Error{internal} for an integer
/// tensor.
void read(const TensorView& view, std::int64_t first, std::int64_t stride, std::int64_t count,
          double* to);

std::vector<double> read(const TensorView& view, std::int64_t first, std::int64_t stride,
                         std::int64_t count);

double element(const TensorView& view, std::int64_t index);

double dot(const double* a, const double* b, std::int64_t count);

/// to += factor * from
void add_scaled(double factor, const double* from, std::int64_t count, double* to);

}  // namespace moe::truth
