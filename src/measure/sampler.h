// Takes samples of several variants in turn, so that a drift of the machine hits all of them alike.
#pragma once

#include <functional>
#include <vector>

namespace moe::measure {

/// One timed pass. Backward follows its forward; both are timed on their own.
struct PassSeconds {
  double forward = 0;
  double backward = 0;
  double total() const { return forward + backward; }
};

struct SamplerOptions {
  int min_samples = 10;        // before noise is judged
  int max_samples = 200;       // a machine that never gets quiet is left at last
  double noise_target = 0.01;  // relative inter-quartile range of the total
  double time_cap_s = 30;      // no round begins that would end later; the first round always runs
};

struct Sampling {
  std::vector<std::vector<PassSeconds>> samples;  // per variant
  bool interrupted = false;
};

/// Rounds A B C, C B A, A B C, ... A variant leaves the rounds once it has min_samples and its noise is at
/// the target, or at max_samples. `after_round` gets the number of
/// rounds so far and the seconds that are left at most. `interrupted` is asked after every sample.
Sampling sample_in_turn(const std::vector<std::function<PassSeconds()>>& variants,
                        const SamplerOptions& options,
                        const std::function<void(int rounds, double seconds_left)>& after_round,
                        const std::function<bool()>& interrupted);

}  // namespace moe::measure
