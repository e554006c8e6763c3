// Norm-relative error.
#include "truth/difference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace moe::truth {

void Difference::add(double got, double want, std::int64_t place) {
  const double exact_distance = std::abs(got - want);
  const double distance =
      std::isfinite(exact_distance) ? exact_distance : std::numeric_limits<double>::infinity();
  square_difference_ += distance * distance;
  square_want_ += want * want;
  if (distance <= worst_distance_) return;
  worst_distance_ = distance;
  worst_place_ = place;
  worst_got_ = got;
  worst_want_ = want;
}

double Difference::error() const {
  if (square_difference_ == 0) return 0;
  const double square_reference = std::max(square_want_, square_terms_);
  if (square_reference == 0) return std::sqrt(square_difference_);
  const double error = std::sqrt(square_difference_) / std::sqrt(square_reference);
  return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
}

}  // namespace moe::truth
