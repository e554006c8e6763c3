// Counts of whole models, against figures that their makers published.
#include "model/layer/model_parts.h"

#include <gtest/gtest.h>

#include "config/load.h"

namespace moe::model {
namespace {

ModelConfig model_of(const char* name) {
  return config::load_config(name);
}

TEST(ModelParts, MatchPublishedTotalsAndActiveParameters) {
  const ModelParts v3 = model_parts(model_of("deepseek-v3"));
  EXPECT_NEAR(v3.total / 1e9, 671, 1);      // paper: 671 B
  EXPECT_NEAR(v3.active / 1e9, 36.7, 0.3);  // 37 B with the embedding, 36.7 B in products
  const ModelParts qwen = model_parts(model_of("qwen3-30b-a3b"));
  EXPECT_NEAR(qwen.total / 1e9, 30.5, 0.2);  // model card: 30.5 B in all, 3.3 B active
  EXPECT_NEAR((qwen.active) / 1e9, 3.05, 0.1);
  EXPECT_NEAR(model_parts(model_of("qwen3-235b-a22b")).total / 1e9, 235, 1);
  EXPECT_NEAR(model_parts(model_of("mixtral-8x7b")).total / 1e9, 46.7, 0.2);
  EXPECT_NEAR(model_parts(model_of("gpt-oss-120b")).total / 1e9, 117, 1);
}

// ISCA 2025, table 4: 250 GFLOP per token of training at sequence length 4096, causal.
TEST(ForwardFlops, DeepSeekV3TrainsWith250GigaflopPerToken) {
  const TokenFlops flops = forward_flops(model_of("deepseek-v3"), causal_context(4096, 0));
  EXPECT_NEAR(3 * flops.total() / 1e9, 250, 2);
}

TEST(ForwardFlops, AreTwicePerActiveParameterWithoutContext) {
  for (const char* name : {"deepseek-v3", "qwen3-30b-a3b", "olmoe-1b-7b"}) {
    const ModelConfig model = model_of(name);
    EXPECT_NEAR(forward_flops(model, 0).total(), 2 * model_parts(model).active, 1) << name;
  }
}

TEST(CausalContext, IsHalfTheSequenceOrTheWindow) {
  EXPECT_EQ(causal_context(4096, 0), 2048);
  EXPECT_EQ(causal_context(4096, 8192), 2048);
  EXPECT_NEAR(causal_context(4096, 128), 126, 0.1);
}

// DeepSeek-V3 keeps 512 + 64 elements per token and layer: 70 KB in bfloat16 (ISCA 2025, table 1).
TEST(CacheBytes, LatentAttentionKeepsSeventyKilobytesPerToken) {
  const CacheBytes cache = cache_bytes(model_of("deepseek-v3"), 2);
  EXPECT_NEAR(cache.per_token, 70'272, 1);
  EXPECT_EQ(cache.of_sequence(1000, 0), 1000 * cache.per_token);
}

TEST(CacheBytes, SlidingLayersStopGrowing) {
  const ModelConfig oss = model_of("gpt-oss-120b");
  const CacheBytes cache = cache_bytes(oss, 2);
  EXPECT_EQ(cache.per_token, 18 * 2 * 8 * 64 * 2);
  EXPECT_EQ(cache.of_sequence(4096, 128) - cache.of_sequence(2048, 128), 2048 * cache.per_token);
}

TEST(IsWholeModel, NeedsAttentionAndVocabulary) {
  EXPECT_TRUE(is_whole_model(model_of("deepseek-v3")));
  EXPECT_FALSE(is_whole_model(model_of("medium")));
}

}  // namespace
}  // namespace moe::model
