// What --config accepts.
#include "config/load.h"

#include <gmock/gmock.h>

#include "config/messages.h"

namespace moe::config {
namespace {

using testing::HasSubstr;

TEST(LoadConfig, TakesPresetsAndFiles) {
  EXPECT_EQ(load_config("Small").name, "small");
  EXPECT_EQ(load_config("deepseek-r1").name, "deepseek-v3");
  EXPECT_EQ(load_config(written("mine.toml", "base = \"small\"").string()).name, "mine");
  EXPECT_EQ(load_config(MOE_TEST_DATA "/data/mixtral-8x7b/config.json").layer.num_experts, 8);
}

TEST(LoadConfig, AnswersAnUnknownNameWithTheNearest) {
  EXPECT_EQ(message_of([] { load_config("deepsek-v3"); }),
            "unknown config 'deepsek-v3'. Did you mean 'deepseek-v3'?\n  `bench_moe_variants list "
            "configs` "
            "prints the names; a file must end in .toml or .json");
  EXPECT_THAT(message_of([] { load_config("my.yaml"); }), HasSubstr("must end in .toml or .json"));
  EXPECT_THAT(message_of([] { load_config(""); }), HasSubstr("unknown config ''"));
}

TEST(LoadConfig, AMissingFileIsNotAnUnknownName) {
  EXPECT_THAT(message_of([] { load_config("/nonexistent/config.json"); }),
              HasSubstr("cannot read /nonexistent/config.json: No such file or directory"));
}

}  // namespace
}  // namespace moe::config
