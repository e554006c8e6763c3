// Runs survive a trip through JSON to the last bit, and files that are no runs are refused with the
// reason.
#include "record/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "moe/error.h"

namespace moe::record {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Every field differs from its default.
Row full_row() {
  Row row;
  row.variant = "sonic+rounding";
  row.point = 3;
  row.status = Status::failed;
  row.reason = "d_x differs \"a lot\"\nhere";
  row.largest_tokens = 55296;
  row.forward = Timing{{0.1, 1.0 / 3.0, 5e-324}, 0.1, 0.09, 0.11, 0.08, 0.12, 0.2};
  row.backward = Timing{{0.3}, 0.3, 0.3, 0.3, 0.3, 0.3, std::nullopt};
  row.total = Timing{{1.7976931348623157e308}, 0.4, 0.4, 0.4, 0.4, 0.4, 0.0};
  row.graph_forward = Timing{{0.05}, 0.05, 0.05, 0.05, 0.05, 0.05, std::nullopt};
  row.graph_backward = Timing{{0.06}, 0.06, 0.06, 0.06, 0.06, 0.06, std::nullopt};
  row.graph_total = Timing{{0.11}, 0.11, 0.11, 0.11, 0.11, 0.11, std::nullopt};
  row.no_graph_reason = "none";
  row.reference = true;
  row.dense_bound_flops_per_s = Phases{6e14, 5e14, 5.5e14};
  row.dense_bound_fraction = Phases{0.9, std::nullopt, 0.91};
  row.tokens = std::numeric_limits<std::int64_t>::max();
  row.executed_pairs = 8320;
  row.credited_pairs = 8192;
  row.different_routing = true;
  row.tokens_per_s = 1311.7253861092;
  row.flops_per_s = 1.2345678901234567e11;
  row.ceiling_fraction = 0.1 + 0.2;
  row.speedup = 2.381;
  row.bytes = {1, 2, 3, 4, std::int64_t{1} << 40};
  row.checks = {{"d_w_up", "16 tokens", 3.1e-7, 1e-5, true, ""},
                {"out", "all", 0.31, 1e-5, false, "token 17, column 902"}};
  row.breakdown = Breakdown{{{"forward", "up_proj", 0.01, 2e9, 3e6, 0.008}}, 1e-4, 2e-4};
  row.conditions_before = DeviceConditions{1980, 2619, 690.5, 61, "power cap"};
  row.conditions_after = DeviceConditions{1410, 2619, 700, 66, ""};
  row.core_mhz = 1500;
  row.load =
      Load{8, 1.31, 0.7, 0.31, 0.2, 0.02, 0.99, 0.1, 0.03, 1.01, 4.5, {1.5, 0.5}, {1.4, 0.6}};
  row.rounding = RoundingReport{"nearest", 128, 7, 9, 63, 1, 2, 0.008, 0.009};
  return row;
}

Run full_run() {
  Run run;
  run.id = "2026-11-23T04-12-07Z-7f3a";
  run.program = "bench_moe_variants";
  run.argv = {"bench_moe_variants", "--config", "small"};
  run.repeat_command = "bench_moe_variants --config small --seed 42";
  run.request = {{"--check", "quick"}};
  run.environment = {"cpu",
                     "AMD EPYC",
                     2,
                     16 << 20,
                     "AMD EPYC 9R14",
                     "Debian 12",
                     "g++ 12.2",
                     "Release",
                     "0.1.0",
                     "1a2b3c4",
                     true,
                     "oneDNN 2.6.3",
                     {{"governor", "performance"}}};
  run.ep_rank = EpRank{3, 8, 256, 65536};
  run.model.name = "small";
  run.model.layer = {1024,
                     4096,
                     8,
                     2,
                     Activation::relu2,
                     DType::bf16,
                     {GateKind::sigmoid, false, true, 8, 4, 2.5f, true},
                     {RoundingRule::balance, 64},
                     {512, true},
                     true};
  run.model.batch_size = 16;
  run.model.seq_len = 256;
  run.model.num_layers = 61;
  run.model.num_dense_layers = 3;
  run.model.dense_ffn_dim = 18432;
  run.model.attention = {AttentionKind::latent, 12,   128, 2, 256, true, 1536, 512, 64, 128, 128,
                         {64, 128, 2048},       4096, 6};
  run.model.linear = {49, 25265920, 524288};
  run.model.vocab_size = 129280;
  run.model.tied_embeddings = true;
  run.model.max_context = 163840;
  run.model.num_prediction_layers = 1;
  run.model.source = "config.json";
  run.model.note = "a note";
  run.model.unsupported = "why not";
  run.model.not_modelled = {"router noise"};
  run.model.not_understood = {"expert_twist", "x"};
  run.mode = "forward_backward";
  run.traffic = "zipf:1";
  run.seed = std::numeric_limits<std::uint64_t>::max();
  run.baseline = "vanilla";
  run.gemm_ceiling_flops_per_s = 1.2e11;
  run.copy_ceiling_bytes_per_s = 1.4e10;
  run.flops_per_pass = 6.18e11;
  run.noise_target = 0.005;
  run.min_samples = 10;
  run.swept = {"tokens", "top_k"};
  run.points = {
      {{{"tokens", "512"}, {"top_k", "2"}}, run.model, "hot:2", 2e11, 2e10, 3e9, {"w"}, "v"}};
  run.rows = {full_row(), Row{}};
  run.warnings = {"gnuplot not found"};
  run.verdict = "Use sonic.";
  return run;
}

/// The message of the usage error that reading `text` throws.
std::string refusal(const std::string& text) {
  try {
    run_from_json(text, "run.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return "";
}

TEST(Json, RoundTripKeepsEveryField) {
  const std::string text = to_json(full_run());
  // A field that the reader forgot would come back as its default and change the text.
  EXPECT_EQ(to_json(run_from_json(text, "run.json")), text);
  const Row row = row_from_json(to_json(full_row()), "points.jsonl:1");
  EXPECT_EQ(to_json(row), to_json(full_row()));
}

TEST(Json, RoundTripKeepsEveryBit) {
  const auto run = run_from_json(to_json(full_run()), "run.json");
  const auto expected = full_run();
  EXPECT_EQ(run.seed, expected.seed);
  EXPECT_EQ(run.rows[0].tokens, expected.rows[0].tokens);
  EXPECT_EQ(run.rows[0].forward->samples_s, expected.rows[0].forward->samples_s);
  EXPECT_EQ(run.rows[0].total->samples_s, expected.rows[0].total->samples_s);
  EXPECT_EQ(run.rows[0].ceiling_fraction, expected.rows[0].ceiling_fraction);
  EXPECT_EQ(run.rows[0].backward->noise, std::nullopt);
  EXPECT_EQ(run.rows[0].total->noise, 0.0);
  EXPECT_EQ(run.model.layer.gate.kind, GateKind::sigmoid);
  EXPECT_EQ(run.model.layer.gate.scale, 2.5f);
  EXPECT_EQ(run.model.layer.rounding.rule, RoundingRule::balance);
  EXPECT_EQ(run.rows[1].load.has_value(), false);
}

TEST(Json, WritesSchemaFirstEnumsByNameAndAbsentValuesAsNull) {
  const std::string text = to_json(full_run());
  EXPECT_EQ(text.find("{\n  \"schema\": \"moe-bench/2\",\n  \"id\""), 0u);
  EXPECT_THAT(text, HasSubstr("\"dtype\": \"bf16\""));
  EXPECT_THAT(text, HasSubstr("\"status\": \"failed\""));
  EXPECT_THAT(to_json(Row{}), HasSubstr("\"speedup\":null"));
}

TEST(Json, ARowIsOneLine) {
  EXPECT_THAT(to_json(full_row()), Not(HasSubstr("\n")));
}

TEST(Json, NumbersThatJsonCannotHoldComeBackAsNaN) {
  Row row = full_row();
  row.checks[0].error = std::numeric_limits<double>::infinity();
  const std::string text = to_json(row);
  EXPECT_THAT(text, HasSubstr("\"error\":null"));
  EXPECT_TRUE(std::isnan(row_from_json(text, "points.jsonl:1").checks[0].error));
}

TEST(Json, BytesThatAreNoUtf8DoNotLoseTheRun) {
  auto run = full_run();
  run.argv = {"--out", "caf\xe9"};
  EXPECT_EQ(run_from_json(to_json(run), "run.json").argv.size(), 2u);
}

TEST(Json, IgnoresUnknownFieldsAndKeepsDefaultsOfAbsentOnes) {
  const auto run = run_from_json(R"({"schema": "moe-bench/2", "id": "x", "later": {"a": [1]}, )"
                                 R"("rows": [{"variant": "v", "new": 1}]})",
                                 "run.json");
  EXPECT_EQ(run.id, "x");
  EXPECT_EQ(run.rows.at(0).variant, "v");
  EXPECT_EQ(run.model.seq_len, ModelConfig{}.seq_len);
}

TEST(Json, RefusesATruncatedFile) {
  const std::string text = to_json(full_run());
  for (std::size_t length : {std::size_t{0}, std::size_t{1}, text.size() / 2, text.size() - 2}) {
    EXPECT_THAT(refusal(text.substr(0, length)),
                HasSubstr("cannot read run.json: it is truncated"));
  }
}

TEST(Json, RefusesWhatIsNoRun) {
  EXPECT_THAT(refusal("[1, 2]"), HasSubstr("not a run of this suite"));
  EXPECT_THAT(refusal(R"({"hidden_size": 4096})"), HasSubstr("not a run of this suite"));
  EXPECT_THAT(refusal("42"), HasSubstr("not a run of this suite"));
}

TEST(Json, RefusesANumberBeyondDoubleRange) {
  EXPECT_THAT(refusal(R"({"schema": "moe-bench/2", "noise_target": 1e999})"),
              HasSubstr("beyond double"));
}

TEST(Json, RefusesAFileNestedAsDeepAsItIsLong) {
  const std::string deep = std::string(500'000, '[') + std::string(500'000, ']');
  EXPECT_THAT(refusal(R"({"schema": )" + deep + "}"), HasSubstr("its schema is a list"));
  EXPECT_THAT(refusal(R"({"schema": "moe-bench/1", "id": )" + deep + "}"),
              HasSubstr("id should be a string, found a list"));
}

TEST(Json, RefusesAnotherSchemaByName) {
  EXPECT_THAT(refusal(R"({"schema": "moe-bench/3"})"), HasSubstr(R"("moe-bench/3")"));
  EXPECT_THAT(refusal(R"({"schema": 7})"), HasSubstr("its schema is 7"));
}

TEST(Json, ReadsRunsFromBeforeSweeps) {
  const auto run = run_from_json(R"({"schema": "moe-bench/1", "rows": [{"variant": "v"}]})", "f");
  EXPECT_TRUE(run.points.empty());
  EXPECT_EQ(run.rows.at(0).point, 0);
}

TEST(Json, NamesTheFieldOfAWrongValue) {
  const auto with = [](const std::string& fields) {
    return R"({"schema": "moe-bench/2", )" + fields + "}";
  };
  EXPECT_THAT(refusal(with(R"("rows": [{}, {"tokens": "many"}])")),
              HasSubstr(R"(rows[1].tokens should be an integer in range, found "many")"));
  EXPECT_THAT(refusal(with(R"("seed": -1)")), HasSubstr("seed should be an integer in range"));
  EXPECT_THAT(refusal(with(R"("min_samples": 99999999999)")), HasSubstr("min_samples"));
  EXPECT_THAT(refusal(with(R"("noise_target": "low")")), HasSubstr("should be a number"));
  EXPECT_THAT(refusal(with(R"("environment": {"git_dirty": 1})")),
              HasSubstr("environment.git_dirty should be true or false"));
  EXPECT_THAT(refusal(with(R"("environment": {"extra": {"a": 1}})")),
              HasSubstr("environment.extra.a should be a string"));
  EXPECT_THAT(refusal(with(R"("rows": {})")), HasSubstr("rows should be a list"));
  EXPECT_THAT(refusal(with(R"("model": 3)")), HasSubstr("model should be an object"));
  EXPECT_THAT(refusal(with(R"("model": {"layer": {"dtype": "fp8"}})")),
              HasSubstr("model.layer.dtype should be one of fp32, bf16, fp16, fp64, int32, int64"));
}

}  // namespace
}  // namespace moe::record
