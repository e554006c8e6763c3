// Training setups that tests of plans and times share.
#pragma once

#include <string>

#include "config/load.h"
#include "model/layer/plan_memory.h"

namespace moe::model {

inline TrainingSetup setup_of(const std::string& config, const std::string& gpu = "h100") {
  TrainingSetup setup;
  setup.model = config::load_config(config);
  setup.model.seq_len = 4096;
  setup.gpu = gpu_preset(gpu);
  setup.network = make_network(setup.gpu, usual_infiniband(setup.gpu));
  return setup;
}

}  // namespace moe::model
