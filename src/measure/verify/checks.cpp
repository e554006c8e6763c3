// Comparisons and the words of their failures.
#include "measure/verify/checks.h"

#include <cstdio>
#include <limits>
#include <utility>

namespace moe::measure {

using record::Check;
using truth::Difference;
using truth::NamedTensor;
using truth::Offences;

namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

std::string got_want(const std::string& got, const std::string& want) {
  return ": got " + got + ", want " + want;
}

}  // namespace

std::string counted(std::size_t count, const char* noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

Check check_of(const NamedTensor& tensor, const std::string& scope, const Difference& difference,
               double tolerance) {
  Check check{tensor.name, scope, difference.error(), tolerance, difference.error() <= tolerance,
              ""};
  if (!check.passed) {
    check.where = place_of(tensor, difference.worst_place()) +
                  got_want(number(difference.worst_got()), number(difference.worst_want()));
  }
  return check;
}

Check exact_check(const std::string& name, const std::vector<std::int32_t>& got,
                  const std::vector<std::int32_t>& want, std::initializer_list<std::int64_t> shape,
                  std::vector<const char*> axes) {
  Check check{name, "all", 0, 0, true, ""};
  const NamedTensor tensor{name, TensorView(nullptr, DType::i32, shape), std::move(axes)};
  for (std::size_t i = 0; i < want.size(); ++i) {
    const bool is_missing = i >= got.size();
    if (!is_missing && got[i] == want[i]) continue;
    if (check.error == 0) {
      check.where =
          place_of(tensor, static_cast<std::int64_t>(i)) +
          got_want(is_missing ? "nothing" : std::to_string(got[i]), std::to_string(want[i]));
    }
    ++check.error;
  }
  check.passed = check.error == 0;
  return check;
}

Check scores_check(const std::string& name, const std::vector<float>& got,
                   const std::vector<double>& want, std::initializer_list<std::int64_t> shape,
                   std::vector<const char*> axes) {
  Difference difference;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double value = i < got.size() ? got[i] : std::numeric_limits<double>::quiet_NaN();
    difference.add(value, want[i], static_cast<std::int64_t>(i));
  }
  const NamedTensor tensor{name, TensorView(nullptr, DType::f32, shape), std::move(axes)};
  return check_of(tensor, "all", difference, kScoreTolerance);
}

Check check_of(const std::string& name, const std::string& scope, const Offences& offences) {
  return {name, scope, static_cast<double>(offences.count), 0, offences.count == 0, offences.first};
}

}  // namespace moe::measure
