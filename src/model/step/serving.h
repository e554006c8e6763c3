// Serving a whole model: memory of weights and cache, and time of a prefill or a decode step, from
// a roofline. Experts are spread over all GPUs (expert parallel); everything else is held by each
// tensor group, which serves its own sequences (DeepSeek's layout).
#pragma once

#include <cstdint>
#include <optional>

#include "model/cluster/network.h"
#include "model/step/factors.h"
#include "moe/config.h"

namespace moe::model {

enum class ServingPhase { prefill, decode };

struct ServingSetup {
  ModelConfig model;
  GpuPreset gpu;
  Network network;
  std::string variant = "sonic";
  ServingPhase phase = ServingPhase::decode;
  double bytes_per_weight = 2;  // 1 = 8-bit weights
  double bytes_per_cached = 2;  // of an element of the key-value cache
  std::int64_t context = 4096;  // tokens of a sequence: prompt of a prefill, length at decode
  std::int64_t sequences = 0;   // per tensor group; 0 = the most that fit, at most 1024
  std::int64_t node_limit = 0;
};

struct ServingPlan {
  std::int64_t gpus = 1, tensor = 1, expert = 1;
  std::int64_t sequences = 1;  // at once, per tensor group
};

/// Bytes on one GPU.
struct ServingMemory {
  double weights = 0, cache = 0, workspace = 0, reserved = 0;
  double total() const { return weights + cache + workspace + reserved; }
};

/// Seconds of one pass over all layers on one GPU.
struct ServingParts {
  double weights_and_cache = 0;  // reading what is not expert weights
  double attention = 0;          // arithmetic of projections, scores and head
  double experts = 0;
  double exchange = 0;  // expert and tensor exchanges
  double latency = 0;   // start-up of kernels

  double total() const { return weights_and_cache + attention + experts + exchange + latency; }
};

struct ServingResult {
  ServingPlan plan;
  ServingMemory memory;
  bool fits = false;
  double low = 0, base = 0, high = 0;  // tokens/s per GPU; 0 when it does not fit
  ServingParts parts;                  // base case
};

/// Tensor groups of 1 to 8 inside a node; experts over the largest number of GPUs that divides
/// both. The fastest that fits, or the one of least memory (fits = false).
ServingResult best_serving(const ServingSetup& setup, std::int64_t gpus,
                           const FactorRange& factors);

/// Fewest GPUs that hold weights and one sequence, powers of two up to `most`.
std::optional<std::int64_t> fewest_serving_gpus(const ServingSetup& setup,
                                                std::int64_t most = 16'384);

}  // namespace moe::model
