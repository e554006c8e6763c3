// What listens to the steps of a pass: a clock for breakdowns, and names for a profiler's timeline.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "moe/device.h"
#include "moe/variant.h"

namespace moe::measure {

/// Times every step by the device's own clock.
class StepTimer final : public Probe {
 public:
  explicit StepTimer(Device& device) : stopwatch_(device.make_stopwatch()) {}

  void begin(std::string_view step) override {
    steps_.emplace_back(step);
    stopwatch_->mark();
  }
  void end(std::string_view) override { stopwatch_->mark(); }

  /// Waits for the device. Seconds of one step, all its occurrences together; 0 = it did not run.
  double seconds(std::string_view step) {
    const std::vector<double> laps = stopwatch_->laps();  // a step, what lies between, a step, ...
    double sum = 0;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i] == step) sum += laps[2 * i];
    }
    return sum;
  }

 private:
  std::unique_ptr<Stopwatch> stopwatch_;
  std::vector<std::string> steps_;
};

/// Gives every step a range of its own in a profiler's timeline.
class RangeProbe final : public Probe {
 public:
  explicit RangeProbe(Device& device) : device_(device) {}
  void begin(std::string_view step) override { device_.begin_range(step); }
  void end(std::string_view) override { device_.end_range(); }

 private:
  Device& device_;
};

/// A range of a profiler's timeline for as long as this lives.
class RangeScope {
 public:
  RangeScope(Device& device, std::string_view name) : device_(device) { device.begin_range(name); }
  ~RangeScope() { device_.end_range(); }
  RangeScope(const RangeScope&) = delete;
  RangeScope& operator=(const RangeScope&) = delete;

 private:
  Device& device_;
};

}  // namespace moe::measure
