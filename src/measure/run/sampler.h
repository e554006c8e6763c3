// Takes samples of several variants in turn, so that a drift of the machine hits all of them alike.
#pragma once

#include <functional>
#include <vector>

namespace moe::measure {

/// One timed pass. Backward follows its forward; both are timed on their own. Then the same again
/// as replays of captured graphs, where the device and the variant have them (0 = not timed).
struct PassSeconds {
  double forward = 0, backward = 0;
  double graph_forward = 0, graph_backward = 0;
  double total() const { return forward + backward; }
  double graph_total() const { return graph_forward + graph_backward; }
};

struct SamplerOptions {
  int min_samples = 10;  // before noise is judged
  int max_samples =
      200;  // a machine that never gets quiet is left at last; may be below min_samples
  double noise_target = 0.01;  // relative inter-quartile range of the total
  double time_cap_s = 30;      // no round begins that would end later; the first round always runs
};

/// What the caller hears. `seconds_left` is the most that may still be spent.
struct SamplerEvents {
  std::function<void(int rounds, double seconds_left)> after_round;
  /// All samples of a variant, as soon as it gets no more; never for one without a sample.
  std::function<void(std::size_t variant, const std::vector<PassSeconds>& samples)> finished;
  /// The same of a variant that an interrupt left with fewer samples than it would have got.
  std::function<void(std::size_t variant, const std::vector<PassSeconds>& samples)> cut;
  std::function<bool()> interrupted;  // asked before the first and after every turn
};

/// A variant's turn: one sample at least, and no more than `most`.
using Turn = std::function<std::vector<PassSeconds>(int most)>;

/// Rounds A B C, C B A, A B C, ... of turns. A variant leaves the rounds once it has min_samples
/// and its noise is at the target, or at max_samples. Returns false when interrupted.
bool sample_in_turn(const std::vector<Turn>& variants, const SamplerOptions& options,
                    const SamplerEvents& events);

}  // namespace moe::measure
