// Strategies of a memory analysis: inside this room only.
#pragma once

#include <chrono>

#include "measure/memory/memory_analysis.h"

namespace moe::measure {

/// The time that passes may take together.
class Deadline {
 public:
  Deadline(double seconds, double pass_seconds)
      : end_(Clock::now() +
             std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds))),
        pass_(pass_seconds) {}

  /// Whether so many more passes are expected to end in time.
  bool allows(int passes) const { return Clock::now() + passes * pass_ <= end_; }

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::time_point<Clock> end_;
  std::chrono::duration<double> pass_;
};

/// Adds to run.strategies each strategy on each row that is not rounded; with several strategies a
/// last line per row, "all of these", has them applied one after the other.
void predict_strategies(const MemoryTarget& target, const MemoryRequest& request,
                        record::MemoryRun& run);

/// Readings for those that a layer of this library runs. Returns false when interrupted.
bool measure_strategies(MemoryMeter& meter, const MemoryTarget& target,
                        const MemoryRequest& request, const Deadline& deadline,
                        const MemoryEvents& events, record::MemoryRun& run);

}  // namespace moe::measure
