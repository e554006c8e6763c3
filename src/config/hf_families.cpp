// The list of all families.
#include "config/hf_families.h"

namespace moe::config {

const std::vector<HfFamily>& hf_families() {
  static const std::vector<HfFamily> families = [] {
    std::vector<HfFamily> all;
    for (const auto& kin : {families_like_mixtral(), families_like_qwen(), families_like_deepseek(),
                            families_of_hybrids()}) {
      all.insert(all.end(), kin.begin(), kin.end());
    }
    return all;
  }();
  return families;
}

}  // namespace moe::config
