// Training rates that others published, with the plan each was run with
// (data/published_points.toml).
#pragma once

#include <string>
#include <vector>

#include "config/toml_table.h"
#include "model/layer/plan_memory.h"

namespace moe::model {

/// One training run.
struct PublishedRun {
  std::string name, source;
  std::string assumed;  // what the source leaves out and was filled in
  TrainingSetup setup;
  ParallelPlan plan;
  bool balanced = false;  // routing was forced to be balanced
  bool fit = false;       // common factors are fitted on it
  double tokens_per_s_per_gpu = 0;
};

/// One pass of one layer on one GPU.
struct PublishedLayer {
  std::string name, source, variant;
  LayerConfig config;
  GpuPreset gpu;
  std::int64_t tokens = 0;
  bool forward = true;
  double flops_per_s = 0;
};

struct PublishedPoints {
  std::vector<PublishedRun> runs;
  std::vector<PublishedLayer> layers;
};

/// Throws Error{usage} with file and line for anything that is not such a file.
PublishedPoints read_published_points(const config::TomlTable& root);

}  // namespace moe::model
