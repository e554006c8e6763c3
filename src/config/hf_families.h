// Inside the room: the model families whose config.json can be read. A new family is one function
// and one line in hf_families.cpp.
#pragma once

#include <string>
#include <vector>

#include "config/hf_fields.h"
#include "moe/config.h"

namespace moe::config {

struct HfFamily {
  std::string model_type;                       // the value of that field
  ModelConfig (*read)(const HfFields& fields);  // fills all but name and source
};

const std::vector<HfFamily>& hf_families();

}  // namespace moe::config
