// TOML as plain values: types, missing and unknown keys.
#include "config/toml_table.h"

#include <gmock/gmock.h>

#include "messages.h"

namespace moe::config {
namespace {

using ::testing::HasSubstr;

constexpr const char* kText = R"(
title = "runs"
count = 3
share = 0.5
[[run]]
name = "a"
fast = true
[[run]]
name = "b"
)";

TEST(TomlTable, GivesValuesAndTablesInTheirOrder) {
  const TomlTable root = parse_toml_table(kText, "runs.toml");
  EXPECT_EQ(root.text("title"), "runs");
  EXPECT_EQ(root.number("count"), 3);
  EXPECT_EQ(root.number("share"), 0.5);
  EXPECT_EQ(root.number_or("other", 7), 7);
  ASSERT_EQ(root.tables("run").size(), 2u);
  EXPECT_EQ(root.tables("run")[1].text("name"), "b");
  EXPECT_TRUE(root.tables("run")[0].flag_or("fast", false));
  EXPECT_TRUE(root.tables("walk").empty());
  EXPECT_NO_THROW(root.refuse_unknown_keys());
}

TEST(TomlTable, SaysWhereAKeyIsMissingOrOfTheWrongType) {
  const TomlTable root = parse_toml_table(kText, "runs.toml");
  EXPECT_THAT(message_of([&] { root.tables("run")[1].number("rate"); }),
              HasSubstr("runs.toml:8: 'rate' is missing"));
  EXPECT_THAT(message_of([&] { root.number("title"); }),
              HasSubstr("runs.toml:2: 'title' must be a number"));
}

TEST(TomlTable, AMisspeltKeyIsAnError) {
  const TomlTable root = parse_toml_table("pirce = 2\n", "mine.toml");
  root.number_or("price", 3.5);
  EXPECT_THAT(message_of([&] { root.refuse_unknown_keys(); }),
              HasSubstr("mine.toml:1: unknown key 'pirce'. Did you mean 'price'?"));
}

TEST(TomlTable, RefusesWhatItCannotHold) {
  EXPECT_THAT(message_of([] { parse_toml_table("a = [1, 2]\n", "x.toml"); }),
              HasSubstr("x.toml:1: 'a' is none of"));
  EXPECT_THAT(message_of([] { parse_toml_table("a = \n", "x.toml"); }),
              HasSubstr("not valid TOML"));
}

}  // namespace
}  // namespace moe::config
