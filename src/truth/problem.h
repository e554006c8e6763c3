// What a layer computes from, as host tensors: the input of every function of the truth.
//
// The truth is the referee of the project: straight loops in double with formulas of its own,
// against which every implementation is checked. It shares no code with them; of src/core it takes
// exact_math.h alone, because the router's choice compares float32 values whose bits that header
// defines.
#pragma once

#include <cstdint>
#include <utility>

#include "moe/config.h"
#include "moe/layer.h"
#include "moe/tensor.h"

namespace moe::truth {

/// Who keeps the weights of routed experts where not all of them are in memory at a time. Called
/// from several threads.
class ExpertSource {
 public:
  virtual ~ExpertSource() = default;
  /// The expert's parts of w_up and w_down are in memory until the matching release().
  virtual void acquire(std::int64_t expert) = 0;
  virtual void release(std::int64_t expert) = 0;
};

/// Views of host memory; every float type may stand anywhere (f64 allows finite differences).
struct Problem {
  LayerConfig config;
  Weights weights;
  TensorView x;                     // [T, d]
  TensorView d_out;                 // [T, d], or empty: forward only
  TensorView logit_offsets;         // f32 [T, E], or empty
  ExpertSource* experts = nullptr;  // null: all experts' weights are in memory
  std::uint64_t rounding_seed = 0;

  std::int64_t tokens() const { return x.shape[0]; }
};

/// One expert's weights are in memory for as long as this lives.
class ExpertScope {
 public:
  ExpertScope(ExpertSource* source, std::int64_t expert) : source_(source), expert_(expert) {
    if (source_ != nullptr) source_->acquire(expert_);
  }
  ~ExpertScope() {
    if (source_ != nullptr) source_->release(expert_);
  }
  ExpertScope(ExpertScope&& other) noexcept
      : source_(std::exchange(other.source_, nullptr)), expert_(other.expert_) {}
  ExpertScope& operator=(ExpertScope&&) = delete;

 private:
  ExpertSource* source_;
  std::int64_t expert_;
};

}  // namespace moe::truth
