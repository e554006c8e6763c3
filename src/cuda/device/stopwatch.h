// Laps of a stream, from one event per mark.
#pragma once

#include <cuda_runtime_api.h>

#include <deque>

#include "cuda/runtime/event.h"
#include "moe/device.h"

namespace moe::cuda {

class EventStopwatch final : public Stopwatch {
 public:
  explicit EventStopwatch(cudaStream_t stream) : stream_(stream) {}

  void mark() override { events_.emplace_back().record(stream_); }

  std::vector<double> laps() override {
    std::vector<double> seconds;
    if (!events_.empty()) events_.back().synchronize();
    for (std::size_t i = 1; i < events_.size(); ++i)
      seconds.push_back(events_[i].seconds_since(events_[i - 1]));
    return seconds;
  }

 private:
  cudaStream_t stream_;
  std::deque<Event> events_;  // an Event cannot move
};

}  // namespace moe::cuda
