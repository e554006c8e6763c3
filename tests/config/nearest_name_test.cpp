// Suggestions for misspelt names.
#include "config/nearest_name.h"

#include <gtest/gtest.h>

namespace moe::config {
namespace {

const std::vector<std::string> kNames = {"deepseek-v2", "deepseek-v3", "mixtral-8x7b", "top_k",
                                         "up"};

TEST(NearestName, FindsEachKindOfSlip) {
  EXPECT_EQ(nearest_name("deepsek-v3", kNames), "deepseek-v3");    // a letter lost
  EXPECT_EQ(nearest_name("deepseekk-v3", kNames), "deepseek-v3");  // a letter too many
  EXPECT_EQ(nearest_name("mixtral-9x7b", kNames), "mixtral-8x7b");
  EXPECT_EQ(nearest_name("pu", kNames), "up");  // swapped: one edit, not two
  EXPECT_EQ(nearest_name("topk", kNames), "top_k");
  EXPECT_EQ(nearest_name("TOP_K", kNames), "top_k");
}

TEST(NearestName, PrefersTheNearerThenTheFirst) {
  EXPECT_EQ(nearest_name("deepseek-v3x", kNames), "deepseek-v3");
  EXPECT_EQ(nearest_name("deepseek-v4", kNames), "deepseek-v2");
}

TEST(NearestName, CompletesABeginning) {
  EXPECT_EQ(nearest_name("Mixtral", kNames), "mixtral-8x7b");
  EXPECT_EQ(nearest_name("mi", kNames), "");
}

TEST(NearestName, StaysSilentWhenNothingIsNear) {
  EXPECT_EQ(nearest_name("llama", kNames), "");
  EXPECT_EQ(nearest_name("", kNames), "");
  EXPECT_EQ(nearest_name("x", {}), "");
  EXPECT_EQ(nearest_name(std::string(1 << 20, 'a'), kNames), "");
}

TEST(UnknownName, AsksOnlyWithASuggestion) {
  EXPECT_EQ(unknown_name("config", "deepsek-v3", kNames),
            "unknown config 'deepsek-v3'. Did you mean 'deepseek-v3'?");
  EXPECT_EQ(unknown_name("config", "llama", kNames), "unknown config 'llama'");
}

}  // namespace
}  // namespace moe::config
