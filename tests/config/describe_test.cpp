// `show NAME`: the whole screen once, then the lines that differ between kinds of layers.
#include "config/describe.h"

#include <gmock/gmock.h>

#include "config/presets.h"

namespace moe::config {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Describe, DeepSeekV3) {
  // One expert: 3 x 7168 x 2048 = 44,040,192 parameters. All: 256 of them and the shared one, the
  // router's 256 x 7168 and its bias of 256. Active: 8 + 1 of them and the router. 256 x 44,040,192
  // x 2 bytes = 21 GiB.
  EXPECT_EQ(
      describe(*find_preset("deepseek-v3")),
      "config       deepseek-v3 (also deepseek-r1, deepseek-v3.1)\n"
      "shape        hidden_dim 7168, ffn_dim 2048, num_experts 256, top_k 8, swiglu, bf16\n"
      "gate         sigmoid: sigmoid of each logit, then top-k by score + selection bias, from the "
      "best 4 of 8 groups, scores renormalized to sum 1, times 2.5\n"
      "shared       ffn_dim 2048\n"
      "layers       61, 58 with experts, 3 dense\n"
      "tokens       32,768 (8 x 4096), 1024.0 rows per expert on average\n"
      "parameters   11,320,164,608 in one MoE layer, 398,196,992 active per token\n"
      "weights      21.00 GiB of experts in bf16\n"
      "source       deepseek-ai/DeepSeek-V3 config_671B.json\n");
}

TEST(Describe, SaysWhatAPresetIsNot) {
  const std::string gpt_oss = describe(*find_preset("gpt-oss-20b"));
  EXPECT_THAT(gpt_oss, HasSubstr("unsupported  its router and experts have biases"));
  EXPECT_THAT(gpt_oss, Not(HasSubstr("gate  ")));
  EXPECT_THAT(gpt_oss, Not(HasSubstr("parameters")));
  EXPECT_THAT(describe(*find_preset("llama-4-scout")),
              HasSubstr("unsupported  the sigmoid score scales"));
  EXPECT_THAT(describe(*find_preset("large")),
              HasSubstr("DeepSeek-V3.2-Exp's own ffn_dim is 2048"));
  const std::string small = describe(*find_preset("small"));
  EXPECT_THAT(small, HasSubstr("shared       none\n"));
  EXPECT_THAT(small, HasSubstr("0.38 GiB of experts in fp32"));  // 8 x 3 x 1024 x 4096 x 4 bytes
  EXPECT_THAT(small, Not(HasSubstr("unsupported")));
  EXPECT_THAT(describe(*find_preset("olmoe")), HasSubstr("scores not renormalized"));
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
}  // namespace moe::config
