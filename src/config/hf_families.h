// Inside the room: the model families whose config.json can be read. A new family is one function
// and one line in the file of its kin.
#pragma once

#include <string>
#include <vector>

#include "config/hf_fields.h"
#include "moe/config.h"

namespace moe::config {

struct HfFamily {
  std::string model_type;                       // the value of that field
  ModelConfig (*read)(const HfFields& fields);  // fills all but name and source
  const char* within = nullptr;                 // the object that holds the language model's fields
};

/// All of the below.
const std::vector<HfFamily>& hf_families();

// Each in a file of its own: hf_mixtral.cpp, hf_qwen.cpp, hf_deepseek.cpp, hf_hybrid.cpp.
std::vector<HfFamily> families_like_mixtral();  // experts in every layer, or nearly
std::vector<HfFamily> families_like_qwen();     // softmax over all experts
std::vector<HfFamily>
families_like_deepseek();                     // sigmoid gates, shared experts, dense first layers
std::vector<HfFamily> families_of_hybrids();  // most layers without attention

}  // namespace moe::config
