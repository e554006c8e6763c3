// A result in host memory whose axes have names, so that a failure can say where it is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moe/tensor.h"
#include "truth/difference.h"

namespace moe::truth {

struct NamedTensor {
  std::string name;
  TensorView view;
  std::vector<const char*> axes;  // {"expert", "row", "column"}
};

/// "expert 3, row 17, column 5"
std::string place_of(const NamedTensor& tensor, std::int64_t index);

/// Adds elements first, first + stride, ... of a tensor; their index is the place.
void compare(const NamedTensor& got, std::int64_t first, std::int64_t stride,
             const std::vector<double>& want, Difference& difference);

/// Elements that are what no element may be.
struct Offences {
  std::int64_t count = 0;
  std::string first;  // place and value
};

/// Adds the elements of [begin, end) that are NaN or infinite.
void add_not_finite(const NamedTensor& tensor, std::int64_t begin, std::int64_t end,
                    Offences& offences);

/// Adds the elements of [begin, end) that are not exactly 0.
void add_not_zero(const NamedTensor& tensor, std::int64_t begin, std::int64_t end,
                  Offences& offences);

}  // namespace moe::truth
