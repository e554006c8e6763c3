// `show NAME`: the whole screen once, then the lines that differ between kinds of layers.
#include "model/layer/describe.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "config/hf_config.h"
#include "config/presets.h"

namespace moe::model {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string content_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The screen of that model's own config.json. MOE_UPDATE_GOLDEN=1 writes the file anew.
void expect_golden(const std::string& name) {
  const std::string file = name + "/config.json";
  const ModelConfig config =
      config::parse_hf_config(content_of(MOE_TEST_DATA "/../config/data/" + file), file);
  const std::string golden = MOE_TEST_DATA "/golden/show_" + name + ".txt";
  if (std::getenv("MOE_UPDATE_GOLDEN") != nullptr) std::ofstream(golden) << describe(config);
  EXPECT_EQ(describe(config), content_of(golden)) << "differs from " << golden;
}

// One expert: 3 x 7168 x 2048 = 44,040,192 parameters. All: 256 of them and the shared one, the
// router's 256 x 7168 and its bias of 256 make 11,320,164,608. Active: 8 + 1 of them and the
// router. 256 x 44,040,192 x 2 bytes = 21 GiB. Cache: 61 layers x (512 + 64 + 128 of the index) x 2
// bytes.
TEST(Describe, SparseLatentAttentionAndGroups) {
  expect_golden("deepseek-v3.2-exp");
}

// Cache: 48 layers x 8 heads x 128 x key and value x 2 bytes, three quarters of them for the last
// 8192 tokens.
TEST(Describe, SlidingWindowsOfAnUnsupportedFamily) {
  expect_golden("llama-4-scout");
}

TEST(Describe, LinearMixersAndAGatedSharedExpert) {
  expect_golden("qwen3-next-80b-a3b");
}

TEST(Describe, BlocksWithoutAnMlp) {
  expect_golden("nemotron-3-nano");
}

TEST(Describe, AShapeOfOneLayerHasNoLinesOfTheModel) {
  const std::string medium = describe(*config::find_preset("medium"));
  for (const char* noun : {"attention", "vocabulary", "model ", "cache", "left out", "unknown"}) {
    EXPECT_THAT(medium, Not(HasSubstr("\n" + std::string(noun)))) << noun;
  }
  EXPECT_THAT(medium, HasSubstr("\nparameters "));
}

TEST(Describe, NamesFieldsThatNoReaderKnows) {
  ModelConfig config = *config::find_preset("small");
  config.not_modelled = {"rotary positions", "router noise of training"};
  config.not_understood = {"expert_twist", "x"};
  EXPECT_THAT(describe(config),
              HasSubstr("left out     rotary positions, router noise of training\n"
                        "unknown      expert_twist, x: no reader knows these fields; they may "
                        "change the layer\n"));
}

TEST(Describe, SaysWhatAPresetIsNot) {
  const std::string scout = describe(*config::find_preset("llama-4-scout"));
  EXPECT_THAT(scout, HasSubstr("unsupported  the sigmoid score scales"));
  EXPECT_THAT(scout, Not(HasSubstr("gate  ")));
  EXPECT_THAT(scout, HasSubstr("107.8 B parameters, 16.14 B active"));
  // Its experts see a narrower space than its router: no formula here counts that.
  EXPECT_THAT(describe(*config::find_preset("nemotron-3-super")), Not(HasSubstr("parameters")));
  EXPECT_THAT(describe(*config::find_preset("large")),
              HasSubstr("DeepSeek-V3.2-Exp's own ffn_dim is 2048"));
  const std::string small = describe(*config::find_preset("small"));
  EXPECT_THAT(small, HasSubstr("shared       none\n"));
  EXPECT_THAT(small, HasSubstr("0.38 GiB of experts in fp32"));  // 8 x 3 x 1024 x 4096 x 4 bytes
  EXPECT_THAT(small, Not(HasSubstr("unsupported")));
  EXPECT_THAT(describe(*config::find_preset("olmoe")), HasSubstr("scores not renormalized"));
  EXPECT_THAT(describe(*config::find_preset("gpt-oss-20b")),
              HasSubstr("bf16, gate and up interleaved, experts with biases\n"));
}

TEST(CountParameters, UngatedExpertsAndGatedSharedExpert) {
  LayerConfig layer;
  layer.hidden_dim = 3, layer.ffn_dim = 5, layer.num_experts = 7, layer.top_k = 2;
  layer.activation = Activation::relu2;
  EXPECT_EQ(count_parameters(layer).all, 7 * 3 + 7 * (5 * 3 + 3 * 5));
  EXPECT_EQ(count_parameters(layer).active, 7 * 3 + 2 * (5 * 3 + 3 * 5));
  layer.activation = Activation::swiglu;
  layer.shared = {11, true};
  const std::int64_t shared = 2 * 11 * 3 + 3 * 11 + 3;
  EXPECT_EQ(count_parameters(layer).all, 7 * 3 + 7 * (3 * 3 * 5) + shared);
  EXPECT_EQ(count_parameters(layer).active, 7 * 3 + 2 * (3 * 3 * 5) + shared);
}

}  // namespace
}  // namespace moe::model
