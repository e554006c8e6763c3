// The rounds and their stop rule.
#include "measure/run/sampler.h"

#include <algorithm>
#include <chrono>

#include "measure/run/statistics.h"

namespace moe::measure {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool is_finished(const std::vector<PassSeconds>& samples, const SamplerOptions& options) {
  const int count = static_cast<int>(samples.size());
  if (count >= options.max_samples) return true;
  if (count < options.min_samples) return false;
  std::vector<double> totals;
  for (const PassSeconds& sample : samples) totals.push_back(sample.total());
  return relative_iqr(totals) <= options.noise_target;
}

class Rounds {
 public:
  Rounds(const std::vector<Turn>& variants, const SamplerOptions& options,
         const SamplerEvents& events)
      : variants_(variants), options_(options), events_(events), samples_(variants.size()) {
    for (std::size_t i = 0; i < variants.size(); ++i) running_.push_back(i);
  }

  bool run() {
    bool complete = !events_.interrupted();
    double longest_round_s = 0;
    for (int round = 0; complete && !running_.empty(); ++round) {
      if (round > 0 && seconds_since(start_) + longest_round_s > options_.time_cap_s) break;
      const double round_start_s = seconds_since(start_);
      complete = take_round(round % 2 == 1);
      longest_round_s = std::max(longest_round_s, seconds_since(start_) - round_start_s);
      if (complete) leave_finished();
      if (complete) events_.after_round(round + 1, options_.time_cap_s - seconds_since(start_));
    }
    for (std::size_t i : running_) {
      if (samples_[i].empty()) continue;
      (complete ? events_.finished : events_.cut)(i, samples_[i]);
    }
    return complete;
  }

 private:
  bool take_round(bool backwards) {
    std::vector<std::size_t> order = running_;
    if (backwards) std::reverse(order.begin(), order.end());
    for (std::size_t i : order) {
      const int most = std::max(1, options_.max_samples - static_cast<int>(samples_[i].size()));
      for (const PassSeconds& sample : variants_[i](most)) samples_[i].push_back(sample);
      if (events_.interrupted()) return false;
    }
    return true;
  }

  void leave_finished() {
    std::erase_if(running_, [&](std::size_t i) {
      const bool finished = is_finished(samples_[i], options_);
      if (finished) events_.finished(i, samples_[i]);
      return finished;
    });
  }

  const std::vector<Turn>& variants_;
  const SamplerOptions& options_;
  const SamplerEvents& events_;
  const Clock::time_point start_ = Clock::now();
  std::vector<std::vector<PassSeconds>> samples_;  // per variant
  std::vector<std::size_t> running_;               // variants that still get samples
};

}  // namespace

bool sample_in_turn(const std::vector<Turn>& variants, const SamplerOptions& options,
                    const SamplerEvents& events) {
  return Rounds(variants, options, events).run();
}

}  // namespace moe::measure
