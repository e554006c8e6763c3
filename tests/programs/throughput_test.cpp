// throughput as a user runs it: defaults, measured layers, checks, bad input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"
#include "moe/error.h"
#include "programs/started_program.h"
#include "record/store.h"
#include "throughput/run_flags.h"

namespace moe::programs {
namespace {

using testing::HasSubstr;
using testing::Not;

class Throughput : public ProgramTest {
 protected:
  void expect_refused(const std::vector<std::string>& arguments, const std::string& message) {
    SCOPED_TRACE(testing::PrintToString(arguments));
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_THAT(outcome.err, HasSubstr("error: " + message));
    EXPECT_EQ(outcome.out, "");
    EXPECT_FALSE(std::filesystem::exists(file("results/throughput"))) << "nothing written half";
  }

  /// Below results/throughput.
  std::filesystem::path only_file(const std::string& name) const {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(file("results/throughput"))) {
      if (entry.path().filename() == name) return entry.path();
    }
    ADD_FAILURE() << "no " << name;
    return {};
  }
};

TEST_F(Throughput, WithoutArgumentsTrainsDeepSeekV3OnEightH100) {
  const Outcome outcome = run({});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("# on       8 x NVIDIA H100 SXM 80 GB"));
  EXPECT_THAT(outcome.out, HasSubstr("does not fit"));
  EXPECT_THAT(outcome.out, HasSubstr("fewest h100 that hold it"));
  EXPECT_THAT(outcome.out, HasSubstr("published  DeepSeek-V3, 1024 H100: 1297"));
  int documents = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(file("results/throughput"))) {
    documents += entry.path().filename() == "throughput.json" ? 1 : 0;
  }
  EXPECT_EQ(documents, 1);
}

TEST_F(Throughput, PredictsForShapesAloneAndForServing) {
  const Outcome medium = run({"--config", "medium", "--no-plots"});
  EXPECT_EQ(medium.exit_code, 0) << medium.err;
  EXPECT_THAT(medium.out, HasSubstr("so layers alone"));
  const Outcome decode = run({"--phase", "decode", "--config", "qwen3-30b-a3b", "--no-plots"});
  EXPECT_EQ(decode.exit_code, 0) << decode.err;
  EXPECT_THAT(decode.out, HasSubstr("USD/M tokens"));
}

TEST_F(Throughput, MeasuresALayerAndUsesTheSavedRunAgain) {
  const std::vector<std::string> shape = {"--config", "small",     "--hidden-dim",
                                          "64",       "--ffn-dim", "32",
                                          "--tokens", "128",       "--no-plots"};
  std::vector<std::string> now = shape;
  now.insert(now.end(), {"--measure", "--device", "cpu", "--dtype", "fp32"});
  const Outcome measured = run(now);
  EXPECT_EQ(measured.exit_code, 0) << measured.err;
  EXPECT_THAT(measured.out, HasSubstr("one MoE layer of small"));
  EXPECT_THAT(measured.out, HasSubstr("modelled, not scaled from it")) << "a CPU is no H100";
  const Outcome again = run({"--from", "last", "--no-plots"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("one MoE layer of small"));
  const Outcome other = run({"--from", "last", "--config", "medium"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("measured another layer: small"));
}

/// A run of bench_moe_variants as an H100 would have saved it; times of no real machine.
record::Run run_on_h100(const std::string& config) {
  record::Run run;
  run.id = "2026-11-23T04-12-07Z-7f3a";
  run.program = "bench_moe_variants";
  run.model = config::load_config(config);
  run.mode = "forward_backward";
  run.traffic = "natural";
  run.environment.device_kind = "cuda";
  run.environment.device_name = "NVIDIA H100 80GB HBM3";
  record::Row row;
  row.variant = "sonic";
  row.tokens = run.model.tokens();
  row.forward = record::Timing{{20e-3}, 20e-3};
  row.backward = record::Timing{{40e-3}, 40e-3};
  run.rows = {row};
  return run;
}

TEST_F(Throughput, RowsOfAMeasuredLayerSaySoAndItsPointIsDrawn) {
  const record::Run saved = run_on_h100("qwen3-30b-a3b");
  record::RunStore(file("results"), saved.id).write_run(saved);
  const Outcome outcome = run({"--from", "last", "--gpus", "64"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("on one NVIDIA H100 80GB HBM3"));
  EXPECT_THAT(outcome.out, HasSubstr("-  measured\n"));
  EXPECT_THAT(outcome.out, HasSubstr("modelled, layer measured\n"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("! ")));
  const auto data = only_file("throughput_scaling.dat");
  EXPECT_THAT(text_of(data), HasSubstr("name, measured\n1 "));
  const Outcome serving = run({"--from", "last", "--phase", "decode", "--no-plots"});
  EXPECT_THAT(serving.out, HasSubstr("! decode needs a run of --mode forward with --tokens 128"));
  EXPECT_THAT(serving.out, Not(HasSubstr("layer measured")));
}

TEST_F(Throughput, ARanksShareOfALayerIsNoLayer) {
  record::Run saved = run_on_h100("qwen3-30b-a3b");
  saved.ep_rank = record::EpRank{1, 8, 128, saved.model.tokens()};
  record::RunStore(file("results"), saved.id).write_run(saved);
  expect_refused({"--from", "last"}, "run " + saved.id + " measured one rank's share of a layer");
}

TEST_F(Throughput, ValidatesAgainstPublishedRuns) {
  const Outcome shipped = run({"validate"});
  EXPECT_EQ(shipped.exit_code, 0);
  EXPECT_THAT(shipped.out, HasSubstr("of 15 points within 15 %"));
  write_text(file("mine.toml"),
             "[[run]]\nname = \"mine\"\nsource = \"me\"\nconfig = \"qwen3-30b-a3b\"\ngpu = "
             "\"h100\"\ngpus = 8\nexpert = 8\nglobal_batch = 64\nvariant = \"sonic\"\nfit = "
             "true\ntokens_per_s_per_gpu = 10\n");
  const Outcome mine = run({"validate", "mine.toml"});
  EXPECT_EQ(mine.exit_code, 4) << "one point cannot be eight";
  EXPECT_THAT(mine.err, HasSubstr("within 15 %, 8 are wanted"));
}

TEST_F(Throughput, ChecksTables) {
  const Outcome shipped = run({"check-table"});
  EXPECT_EQ(shipped.exit_code, 1);
  EXPECT_THAT(shipped.out, HasSubstr("IMPOSSIBLE"));
  const Outcome missing = run({"check-table", "nowhere.toml"});
  EXPECT_EQ(missing.exit_code, 2);
}

TEST_F(Throughput, RefusesBadInput) {
  expect_refused({"--gpu", "h10"}, "unknown GPU 'h10'. Did you mean 'h100'?");
  expect_refused({"--network", "ndr40"}, "unknown network 'ndr40'. Did you mean 'ndr400'?");
  expect_refused({"--infiniband", "0"}, "InfiniBand bandwidth is not above zero");
  expect_refused({"--nvlink", "-3"}, "NVLink bandwidth is not above zero");
  expect_refused({"--infiniband", "inf"}, "InfiniBand bandwidth is above a petabyte per second");
  expect_refused({"--price", "-1"}, "price outside [0, 10,000] USD per GPU-hour");
  expect_refused({"--price", "1e300"}, "price outside [0, 10,000] USD per GPU-hour");
  expect_refused({"--tokens-total", "inf"}, "--tokens-total 'inf' is no amount");
  expect_refused({"--gpus", "99999999999999999999"}, "--gpus ");
  expect_refused({"--gpus", "8,x"}, "--gpus 8,x: not a whole number");
  expect_refused({"--micro-batch", "-1"}, "--micro-batch -1 is outside 0 to 2147483647");
  expect_refused({"--context", "99999999999"}, "--context 99999999999 is outside");
  expect_refused({"--zero", "7"}, "ZeRO stage 7");
  expect_refused({"--baseline", "vanila"}, "unknown baseline 'vanila'. Did you mean 'vanilla'?");
  expect_refused({"--variants", "sonic", "--baseline", "vanilla"}, "unknown baseline 'vanilla'");
  expect_refused({"--set", "traffic=inf"}, "--set 'inf' is no amount");
  expect_refused({"--set", "gemm_efficiency=3"}, "gemm_efficiency 3.000000: a share lies in");
  expect_refused({"--from", "nowhere"}, "no run 'nowhere'");
  expect_refused({"--quiet=2"}, "--quiet takes no value");
  expect_refused({"--price", "cheap"}, "--price cheap: not a number");
  expect_refused({"--config", "nowhere.toml"}, "cannot read nowhere.toml");
  expect_refused({"--goodput", "2"}, "goodput outside (0, 1]");
  expect_refused({"--gpus", "0"}, "--gpus 0");
  expect_refused({"--tokens-total", "many"}, "--tokens-total 'many' is no amount");
  expect_refused({"--variants", "sonc"}, "unknown variant 'sonc'. Did you mean 'sonic'?");
  expect_refused({"--set", "trafic=2"}, "unknown factor 'trafic'. Did you mean 'traffic'?");
  expect_refused({"--set", "traffic"}, "--set traffic");
  expect_refused({"--weight-bits", "4"}, "--weight-bits 4");
  expect_refused({"--phase", "trian"}, "unknown value of --phase 'trian'. Did you mean 'train'?");
  expect_refused({"--gpus", "8", "--gpu", "a100", "--fp8"},
                 "NVIDIA A100 SXM 80 GB has no 8-bit arithmetic");
  expect_refused({"--from", "last", "--measure"}, "--from and --measure");
}

TEST_F(Throughput, SaysWhyNoPlanIsPossible) {
  const Outcome outcome = run({"--ep", "3", "--gpus", "256", "--no-plots"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("no plan: EP 3 does not divide the 256 GPUs of a stage"));
}

TEST_F(Throughput, UnwritableResultsAreFoundFirst) {
  write_text(file("results"), "a file in the way");
  EXPECT_EQ(run({}).exit_code, 6);
}

TEST(ParseAmount, KnowsUnits) {
  EXPECT_EQ(parse_amount("--x", "14.8T"), 14.8e12);
  EXPECT_EQ(parse_amount("--x", "16 k"), 16e3);
  EXPECT_EQ(parse_amount("--x", "1e12"), 1e12);
  EXPECT_THROW(parse_amount("--x", "5 tokens"), Error);
  EXPECT_THROW(parse_amount("--x", ""), Error);
}

}  // namespace
}  // namespace moe::programs
