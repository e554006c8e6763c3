// Parameters of every family's model, in all and active, against what its makers publish: the sizes
// read from config.json and the formulas of model_parts.h must both be right to agree.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "config/hf_config.h"
#include "model/layer/model_parts.h"

namespace moe::model {
namespace {

/// In units of 1e9. Published numbers are rounded, and makers differ in whether the embedding and
/// the output projection count as active.
struct Published {
  const char* name;  // folder of tests/config/data
  double total, active;
  double half_unit;  // of the last digit of `active`
};

// Model cards and reports. Totals with two decimals are the exact sums of the checkpoint's tensors.
const Published kPublished[] = {
    {"mixtral-8x7b", 46.70, 12.9, 0.05},
    {"mixtral-8x22b", 140.63, 39, 0.5},
    {"dbrx", 131.60, 36, 0.5},
    {"deepseek-v2", 235.74, 21, 0.5},
    {"deepseek-v2-lite", 15.71, 2.4, 0.06},
    {"deepseek-v3", 671.03, 37, 0.5},
    {"kimi-k2", 1026.41, 32, 0.5},
    {"kimi-linear-48b-a3b", 49.1, 3, 0.5},
    {"qwen1.5-moe-a2.7b", 14.32, 2.7, 0.05},
    {"qwen3-30b-a3b", 30.53, 3.3, 0.05},
    {"qwen3-235b-a22b", 235.09, 22, 0.5},
    {"qwen3-next-80b-a3b", 79.67, 3, 0.9},  // "A3B" cuts off: 3.9
    {"qwen3.5-397b-a17b", 397, 17, 0.5},
    {"gpt-oss-20b", 20.91, 3.61, 0.005},
    {"gpt-oss-120b", 116.83, 5.13, 0.005},
    {"olmoe-1b-7b", 6.92, 1.3, 0.05},
    {"glm-4.5", 355, 32, 0.9},
    {"glm-4.5-air", 106, 12, 0.9},
    {"glm-5", 744, 40, 0.9},
    {"minimax-m2", 230, 10, 0.5},
    {"minimax-text-01", 456, 45.9, 0.05},
    {"llama-4-scout", 109, 17, 0.5},  // with its vision part
    {"llama-4-maverick", 400, 17, 0.5},
    {"nemotron-3-nano", 31.6, 3.2, 0.05},
    {"granite-3-1b-a400m", 1.33, 0.4, 0.05},
    {"granite-3-3b-a800m", 3.30, 0.8, 0.09},
    {"granite-4.0-h-small", 32.2, 9, 0.5},
    {"hunyuan-a13b", 80.4, 13, 0.5},
    {"ernie-4.5-21b-a3b", 21.8, 3, 0.5},
    {"dots.llm1", 142.8, 14, 0.5},
    {"phi-3.5-moe", 41.87, 6.6, 0.05},
    {"jamba-v0.1", 51.57, 12, 0.5},
    {"grok-1", 314, 86, 2.5},
    {"ling-mini-2.0", 16.26, 1.4, 0.05},
    {"arctic", 480, 17, 0.5},
};

TEST(PublishedParameters, AreThoseOfOurFormulas) {
  for (const Published& published : kPublished) {
    SCOPED_TRACE(published.name);
    const ModelConfig config = config::read_hf_config(
        std::string(MOE_TEST_DATA "/../config/data/") + published.name + "/config.json");
    ASSERT_TRUE(is_whole_model(config));
    const ModelParts parts = model_parts(config);
    EXPECT_NEAR(parts.total / 1e9 / published.total, 1, 0.012);
    const double without_head = (parts.active - parts.head) / 1e9;
    const double with_embedding = (parts.active + parts.embedding) / 1e9;
    EXPECT_LE(without_head - published.half_unit, published.active);
    EXPECT_GE(with_embedding + published.half_unit, published.active);
  }
}

// Where the sum of a checkpoint's tensors is known to five digits, only norms and biases are left.
TEST(PublishedParameters, ExactSumsAgreeToAThousandth) {
  for (const Published& published : kPublished) {
    const double hundredths = published.total * 100;
    if (std::abs(hundredths - std::round(hundredths / 10) * 10) < 1e-6) continue;  // fewer digits
    const ModelParts parts = model_parts(config::read_hf_config(
        std::string(MOE_TEST_DATA "/../config/data/") + published.name + "/config.json"));
    EXPECT_NEAR(parts.total / 1e9, published.total, published.total * 1e-3 + 0.005)
        << published.name;
  }
}

}  // namespace
}  // namespace moe::model
