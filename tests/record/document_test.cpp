// Documents of named values.
#include "record/document.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace moe::record {
namespace {

TEST(Document, KeepsOrderTypesAndRows) {
  Document document;
  document.head = {{"zebra", std::string("a \"b\"")}, {"apple", 0.1}, {"fits", false}};
  document.lists = {{"rows", {{{"gpus", std::int64_t{8}}}, {{"gpus", std::int64_t{16}}}}}};
  const std::string text = to_json(document);
  EXPECT_LT(text.find("zebra"), text.find("apple"));
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["zebra"], "a \"b\"");
  EXPECT_EQ(json["apple"], 0.1);
  EXPECT_EQ(json["fits"], false);
  ASSERT_EQ(json["rows"].size(), 2u);
  EXPECT_EQ(json["rows"][1]["gpus"], 16);
}

TEST(Document, HasNoNumberForWhatIsNone) {
  const auto json = nlohmann::json::parse(to_json({{{"rate", std::nan("")}}, {}}));
  EXPECT_TRUE(json["rate"].is_null());
}

}  // namespace
}  // namespace moe::record
