// What a trace of recorded routing holds, for screens and pictures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "record/record.h"

namespace moe::record {

struct TraceSummary {
  std::string file;    // its name, without folders
  std::string path;    // as it was asked for
  std::string hash;    // "crc32:1a2b3c4d"
  std::string origin;  // what made it, in its own words; may be empty
  std::int64_t tokens = 0, num_experts = 0, top_k = 0;  // [T], [E], [K]
  bool has_scores = false, has_logits = false;
  std::int64_t file_bytes = 0;
  std::vector<Load> layers;  // without losses
};

}  // namespace moe::record
