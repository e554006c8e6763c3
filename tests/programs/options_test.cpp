// The command line as values, and the rules that no parser knows.
#include "bench/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/request.h"
#include "cli/byte_size.h"
#include "moe/error.h"

namespace moe::programs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

BenchOptions parse(const std::vector<std::string>& arguments) {
  return parse_bench_options(arguments);
}

/// Of a single shape.
ModelConfig model_of(const BenchOptions& options) {
  EXPECT_EQ(options.sweep.points.size(), 1u);
  return options.sweep.points.front().shape.model;
}

std::string usage_error(const std::vector<std::string>& arguments) {
  try {
    parse(arguments);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  return "accepted";
}

TEST(ParseBytes, KnowsUnits) {
  EXPECT_EQ(parse_bytes("0"), 0);
  EXPECT_EQ(parse_bytes("1024"), 1024);
  EXPECT_EQ(parse_bytes("8GiB"), 8LL << 30);
  EXPECT_EQ(parse_bytes("500 MB"), 500'000'000);
  EXPECT_EQ(parse_bytes("1.5KiB"), 1536);
  EXPECT_EQ(parse_bytes("2TB"), 2'000'000'000'000);
  EXPECT_EQ(parse_bytes("7B"), 7);
}

TEST(ParseBytes, RefusesWhatIsNoSize) {
  for (const char* text :
       {"", "GiB", "-1", "-1GiB", "8 gib", "8GiBs", "nan", "inf", "1e30", "99999TiB x", "0x10q"}) {
    EXPECT_THROW(parse_bytes(text), Error) << text;
  }
  EXPECT_THROW(parse_bytes("9000000TiB"), Error) << "beyond 64 bits";
}

TEST(Options, TheDefaultsTypeIsTheDevicesUnlessFlagsSayOne) {
  const auto settled = [](const std::vector<std::string>& arguments, DeviceKind kind) {
    BenchOptions options = parse(arguments);
    settle_dtype(options, kind);
    return options;
  };
  const BenchOptions on_gpu = settled({"--tokens", "64,128"}, DeviceKind::cuda);
  for (const ShapePoint& point : on_gpu.sweep.points)
    EXPECT_EQ(point.shape.model.layer.dtype, DType::bf16);
  EXPECT_EQ(on_gpu.repeat_command,
            "bench_moe_variants --config small --tokens 64,128 --seed 42 --dtype bf16");
  const BenchOptions again =
      settled({"--config", "small", "--seed", "42", "--dtype", "bf16"}, DeviceKind::cuda);
  EXPECT_EQ(model_of(again).layer.dtype, DType::bf16);
  EXPECT_THAT(again.repeat_command, testing::EndsWith("--seed 42 --dtype bf16"));
  EXPECT_EQ(model_of(settled({}, DeviceKind::cpu)).layer.dtype, DType::f32);
  for (const char* given : {"--config=small", "--dtype=fp32"})
    EXPECT_EQ(model_of(settled({given}, DeviceKind::cuda)).layer.dtype, DType::f32) << given;
}

TEST(Options, WithoutArgumentsAreTheSmallConfiguration) {
  const BenchOptions options = parse({});
  EXPECT_EQ(options.command, Command::run);
  EXPECT_EQ(model_of(options).name, "small");
  EXPECT_EQ(model_of(options).tokens(), 4096);
  EXPECT_EQ(model_of(options).layer.rounding.rule, RoundingRule::nearest);
  EXPECT_EQ(model_of(options).layer.rounding.tile, 128);
  EXPECT_TRUE(options.variants.empty()) << "all of the device";
  EXPECT_EQ(options.baseline, "") << "the device's first";
  EXPECT_TRUE(options.backward);
  EXPECT_EQ(options.sampling.min_samples, 10);
  EXPECT_EQ(options.sampling.time_cap_s, 60);
  EXPECT_EQ(options.dump_limit_bytes, 8LL << 30);
  EXPECT_EQ(options.repeat_command, "bench_moe_variants --config small --seed 42");
}

TEST(Options, FlagsOverrideTheConfiguration) {
  const BenchOptions options = parse({"run",
                                      "--config",
                                      "DeepSeek-R1",
                                      "--num-experts",
                                      "16",
                                      "--hidden-dim",
                                      "24",
                                      "--ffn-dim=40",
                                      "--top-k",
                                      "3",
                                      "--batch-size",
                                      "2",
                                      "--seq-len",
                                      "5",
                                      "--activation",
                                      "reglu",
                                      "--dtype",
                                      "fp32",
                                      "--tile",
                                      "4",
                                      "--rounding",
                                      "balance",
                                      "--up-layout",
                                      "interleaved",
                                      "--expert-bias",
                                      "true"});
  const LayerConfig layer = model_of(options).layer;
  EXPECT_EQ(layer.num_experts, 16);
  EXPECT_EQ(layer.hidden_dim, 24);
  EXPECT_EQ(layer.ffn_dim, 40);
  EXPECT_EQ(layer.top_k, 3);
  EXPECT_EQ(model_of(options).tokens(), 10);
  EXPECT_EQ(layer.activation, Activation::reglu);
  EXPECT_EQ(layer.up_layout, UpLayout::interleaved);
  EXPECT_EQ(layer.dtype, DType::f32);
  EXPECT_EQ(layer.rounding.tile, 4);
  EXPECT_EQ(layer.rounding.rule, RoundingRule::balance);
  EXPECT_TRUE(layer.expert_bias);
  EXPECT_EQ(layer.gate.kind, GateKind::sigmoid) << "what no flag names stays";
}

TEST(Options, TokensStandForBatchAndSequence) {
  const BenchOptions options = parse({"--tokens", "777"});
  EXPECT_EQ(model_of(options).batch_size, 1);
  EXPECT_EQ(model_of(options).seq_len, 777);
  for (const char* other : {"--batch-size", "--seq-len"}) {
    EXPECT_EQ(usage_error({"--tokens", "777", other, "3"}),
              "--tokens stands in the place of --batch-size and --seq-len\n"
              "  give --tokens alone, or the other two");
  }
}

TEST(Options, SamplesGoTogether) {
  EXPECT_EQ(parse({"--fast"}).sampling.max_samples, 3);
  EXPECT_EQ(parse({"--fast"}).sampling.min_samples, 10)
      << "three samples are too few for a noise figure";
  EXPECT_EQ(parse({"--min-samples", "300"}).sampling.max_samples, 300);
  EXPECT_EQ(parse({"--max-samples", "5"}).sampling.max_samples, 5);
  EXPECT_EQ(parse({"--max-noise", "0.05"}).sampling.noise_target, 0.05);
}

TEST(Options, ListsAndChoicesAreParsed) {
  EXPECT_THAT(parse({"--variants", "sonic,vanilla+rounding"}).variants,
              ElementsAre("sonic", "vanilla+rounding"));
  EXPECT_FALSE(parse({"--mode", "forward"}).backward);
  EXPECT_EQ(parse({"--check", "full"}).check, measure::CheckLevel::full);
  EXPECT_EQ(parse({"--dump-limit", "1MiB"}).dump_limit_bytes, 1 << 20);
  EXPECT_FALSE(parse({"--no-plots"}).plots);
  EXPECT_TRUE(parse({"-q", "--strict", "--dry-run"}).quiet);
}

TEST(Options, TheRepeatingCommandIsCompleteAndQuoted) {
  EXPECT_EQ(parse({"run", "--fast", "--seed", "7"}).repeat_command,
            "bench_moe_variants --config small --fast --seed 7");
  EXPECT_EQ(parse({"--config=sparse", "--out", "my results/it's"}).repeat_command,
            "bench_moe_variants --config=sparse --out 'my results/it'\\''s' --seed 42");
}

TEST(Options, ResumeAloneIsToldFromResumeWithFlags) {
  EXPECT_EQ(parse({"--resume", "last", "--out", "elsewhere", "-q"}).resume, "last");
  EXPECT_FALSE(parse({"--resume", "last", "--out", "elsewhere", "-q"}).has_run_flags);
  EXPECT_TRUE(parse({"--resume", "last", "--seed", "7"}).has_run_flags);
  EXPECT_TRUE(parse({"--resume", "last", "--tokens", "7"}).has_run_flags);
}

TEST(Options, OtherCommandsTakeAName) {
  EXPECT_EQ(parse({"list"}).command, Command::list);
  EXPECT_EQ(parse({"list"}).topic, "");
  EXPECT_EQ(parse({"list", "configs"}).topic, "configs");
  EXPECT_EQ(parse({"show", "large"}).command, Command::show);
  const BenchOptions plot = parse({"plot", "last", "--out", "elsewhere"});
  EXPECT_EQ(plot.command, Command::plot);
  EXPECT_EQ(plot.topic, "last");
  EXPECT_EQ(plot.out, "elsewhere");
}

TEST(Options, BadNumbersAreNamed) {
  EXPECT_THAT(usage_error({"--tokens", "abc"}), HasSubstr("--tokens abc: not a whole number"));
  EXPECT_THAT(usage_error({"--top-k", "1.5"}), HasSubstr("--top-k 1.5: not a whole number"));
  EXPECT_EQ(usage_error({"--tokens", "0"}),
            "--tokens 0: at least 1 token is needed\n  use --tokens 1 or more");
  EXPECT_THAT(usage_error({"--tokens", "99999999999999999999"}), HasSubstr("not a whole number"));
  EXPECT_THAT(usage_error({"--tokens", "2147483648"}),
              HasSubstr("--tokens 2147483648: no size may be above 2147483647"));
  EXPECT_THAT(usage_error({"--hidden-dim", "-4"}),
              HasSubstr("--hidden-dim -4: at least 1 is needed"));
  EXPECT_THAT(usage_error({"--seed", "-1"}), HasSubstr("-1 is not a whole number from 0 upwards"));
  for (const auto& flags : std::vector<std::vector<std::string>>{{"--threads", "-2"},
                                                                 {"--max-noise", "2"},
                                                                 {"--max-time", "soon"},
                                                                 {"--min-samples", "0"},
                                                                 {"--tokens"},
                                                                 {"--fast=2"},
                                                                 {"--dump-limit", "much"}}) {
    EXPECT_NE(usage_error(flags), "accepted") << flags[0];
  }
}

}  // namespace
}  // namespace moe::programs
