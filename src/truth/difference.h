// How far values are from what they should be: the norm-relative error and the worst place.
#pragma once

#include <cstdint>

namespace moe::truth {

class Difference {
 public:
  /// `place` is the caller's own number of this value, given back by worst_place().
  void add(double got, double want, std::int64_t place);

  /// Part of a norm that want's is raised to where it is smaller: of terms that cancel in `want`.
  void add_term(double term) { square_terms_ += term * term; }

  /// ||got - want|| / ||want||; the norm of `got` when everything wanted is 0; infinity after a NaN
  /// or an infinity. Nothing added: 0.
  double error() const;

  /// The value farthest from what it should be; a NaN or infinity is farther than any number.
  std::int64_t worst_place() const { return worst_place_; }
  double worst_got() const { return worst_got_; }
  double worst_want() const { return worst_want_; }

 private:
  double square_difference_ = 0, square_want_ = 0, square_terms_ = 0;
  double worst_distance_ = -1;
  std::int64_t worst_place_ = -1;
  double worst_got_ = 0, worst_want_ = 0;
};

}  // namespace moe::truth
