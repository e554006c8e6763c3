// docs/schema says what files hold: every field that the writer knows, and none that it does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "record/filled.h"
#include "record/json.h"
#include "support/json_schema.h"

namespace moe::record {
namespace {

using support::Json;
using support::JsonSchema;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

JsonSchema schema_of(const std::string& name) {
  return JsonSchema::load(std::string(MOE_DOCS) + "/schema/" + name + ".schema.json");
}

/// Names of properties below `rule` that `value` lacks, and properties without a description.
void find_stale(const JsonSchema& schema, const Json& rule, const Json& value,
                const std::string& path, std::set<std::string>& stale) {
  const Json& resolved = schema.resolved(rule);
  if (resolved.contains("anyOf")) {
    for (const Json& one : resolved.at("anyOf")) find_stale(schema, one, value, path, stale);
    return;
  }
  if (resolved.contains("items") && value.is_array() && !value.empty())
    find_stale(schema, resolved.at("items"), value.at(0), path + "[]", stale);
  const Json properties = resolved.value("properties", Json::object());
  for (const auto& [key, inner] : properties.items()) {
    const std::string at = path + "/" + key;
    if (!inner.contains("description")) stale.insert(at + ": no description");
    if (!value.is_object() || !value.contains(key)) {
      stale.insert(at + ": no such field");
    } else {
      find_stale(schema, inner, value.at(key), at, stale);
    }
  }
}

std::set<std::string> stale_parts(const JsonSchema& schema, const Json& value) {
  std::set<std::string> stale;
  find_stale(schema, schema.json(), value, "", stale);
  return stale;
}

TEST(Schema, ListsEveryFieldOfARun) {
  const JsonSchema schema = schema_of("run");
  EXPECT_THAT(schema.problems(Json::parse(to_json(filled<record::Run>()))), IsEmpty())
      << "a field is new or has changed: say so in docs/schema/run.schema.json and docs/cli.md";
  EXPECT_THAT(schema.problems(Json::parse(to_json(record::Run{}))), IsEmpty())
      << "absent values are null";
  EXPECT_THAT(schema.problems(Json::parse(to_json(filled<Row>())), "row"), IsEmpty())
      << "lines of points.jsonl";
}

TEST(Schema, ListsEveryFieldOfAComparison) {
  const JsonSchema schema = schema_of("compare");
  EXPECT_THAT(schema.problems(Json::parse(to_json(filled<Comparison>()))), IsEmpty());
  EXPECT_THAT(schema.problems(Json::parse(to_json(Comparison{}))), IsEmpty());
  EXPECT_THAT(schema.problems(Json::parse(to_json(PointComparison{})), "point"), IsEmpty());
}

TEST(Schema, ListsNoFieldThatIsNotThereAndDescribesEach) {
  EXPECT_THAT(stale_parts(schema_of("run"), Json::parse(to_json(filled<record::Run>()))),
              IsEmpty());
  EXPECT_THAT(stale_parts(schema_of("compare"), Json::parse(to_json(filled<Comparison>()))),
              IsEmpty());
}

TEST(Schema, TheValidatorFindsWhatIsWrong) {
  const JsonSchema schema = schema_of("run");
  const Json good = Json::parse(to_json(filled<record::Run>()));
  const auto problems_with = [&](const std::string& pointer, const Json& value) {
    Json bad = good;
    bad[Json::json_pointer(pointer)] = value;
    return schema.problems(bad);
  };
  EXPECT_THAT(problems_with("/schema", "moe-bench/0"), Contains(testing::StartsWith("/schema: ")));
  EXPECT_THAT(problems_with("/seed", "42"), ElementsAre("/seed: not of type \"integer\": \"42\""));
  EXPECT_THAT(problems_with("/rows/0/tokens", 1.5),
              ElementsAre("/rows[0]/tokens: not of type \"integer\": 1.5"));
  EXPECT_THAT(problems_with("/rows/0/status", "fine"),
              ElementsAre("/rows[0]/status: not in the list: \"fine\""));
  EXPECT_THAT(problems_with("/rows/0/new_field", 1),
              ElementsAre("/rows[0]/new_field: the schema does not list it"));
  EXPECT_THAT(problems_with("/environment/extra/governor", 7), testing::SizeIs(1));
  EXPECT_THAT(problems_with("/rows/0/total/noise", "low"), testing::Not(IsEmpty()));
  EXPECT_THAT(problems_with("/rows/0/total", nullptr), IsEmpty()) << "skipped rows have none";
  Json missing = good;
  missing.erase("id");
  EXPECT_THAT(schema.problems(missing), ElementsAre("/id: missing"));
}

}  // namespace
}  // namespace moe::record
