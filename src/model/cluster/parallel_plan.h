// How a training run spreads over GPUs: tensor, pipeline, expert and data parallel.
//
//   GPUs = tensor x pipeline x data. Experts are folded over the tensor x data ranks of a stage
//   (arXiv 2504.14960): EP of them hold one copy of all experts of the stage's layers, and
//   tensor x data / EP such groups reduce gradients among each other. Neighbours are closest: a
//   tensor group and then an expert group fill nodes one after another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "moe/config.h"

namespace moe::model {

enum class Schedule {
  one_f_one_b,  // one forward, one backward in turn; interleaved when virtual_stages > 1
  zero_bubble,  // ZB1P: weight gradients fill bubbles
  dual_pipe,    // DeepSeek-V3: two directions, expert exchanges hidden, weights held twice
};

constexpr std::string_view name_of(Schedule schedule) {
  switch (schedule) {
    case Schedule::one_f_one_b: return "1f1b";
    case Schedule::zero_bubble: return "zb1p";
    case Schedule::dual_pipe: return "dualpipe";
  }
  return "?";
}

struct ParallelPlan {
  std::int64_t gpus = 1;
  std::int64_t tensor = 1, pipeline = 1, expert = 1;
  std::int64_t virtual_stages = 1;  // chunks of layers per pipeline stage
  std::int64_t micro_batch = 1;     // sequences of one micro-batch
  std::int64_t global_batch = 1;    // sequences of one step
  int zero_stage = 1;
  bool recompute = false;  // backward runs each layer's forward again
  Schedule schedule = Schedule::one_f_one_b;

  std::int64_t data() const { return gpus / (tensor * pipeline); }
  std::int64_t expert_data() const { return gpus / (pipeline * expert); }
  /// Micro-batches of one data-parallel rank in a step; fewer sequences than ranks make 0.
  std::int64_t micro_batches() const { return global_batch / (data() * micro_batch); }
};

/// "EP 64, PP 16, TP 1, DP 128" and what else is not usual.
std::string plan_text(const ParallelPlan& plan);

/// Why the plan cannot run this model, or nothing: sizes that do not divide, fewer sequences than
/// ranks, more stages than layers, experts that do not spread evenly.
std::optional<std::string> plan_problem(const ParallelPlan& plan, const ModelConfig& model);

}  // namespace moe::model
