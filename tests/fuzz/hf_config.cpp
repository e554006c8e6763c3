// A config.json is refused with an error or makes a valid one, which can be put into words.
#include "config/hf_config.h"

#include "config/validate.h"
#include "fuzz/fuzz.h"
#include "model/layer/describe.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return moe::fuzz::run(data, size, [](const std::string& text) {
    const moe::ModelConfig config = moe::config::parse_hf_config(text, "config.json");
    moe::config::validate(config);
    if (moe::model::describe(config).empty()) moe::fuzz::finding("no words");
  });
}
