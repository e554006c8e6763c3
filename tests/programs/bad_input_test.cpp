// What the program answers to bad input: the exit code, and what failed, why and what to do, to the
// letter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "programs/started_program.h"

namespace moe::programs {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class BadInput : public ProgramTest {
 protected:
  /// Refused with this code and exactly this message, before anything is written.
  void expect_refused(const std::vector<std::string>& arguments, int code,
                      const std::string& message) {
    SCOPED_TRACE(testing::PrintToString(arguments));
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, code);
    EXPECT_EQ(outcome.err, "error: " + message + "\n");
    EXPECT_EQ(outcome.out, "");
    EXPECT_FALSE(std::filesystem::exists(file("results/runs"))) << "no run was begun";
  }
};

TEST_F(BadInput, UnknownNamesSuggestTheNearest) {
  expect_refused(
      {"--config", "deepsek-v3"}, 2,
      "unknown config 'deepsek-v3'. Did you mean 'deepseek-v3'?\n"
      "  `bench_moe_variants list configs` prints the names; a file must end in .toml or .json");
  expect_refused(
      {"--topk", "3"}, 2,
      "unknown flag '--topk'. Did you mean '--top-k'?\n  see: bench_moe_variants --help");
  expect_refused(
      {"--topk=3"}, 2,
      "unknown flag '--topk'. Did you mean '--top-k'?\n  see: bench_moe_variants --help");
  expect_refused(
      {"lst"}, 2,
      "unknown command 'lst'. Did you mean 'list'?\n  known: run, list, show, plot, compare, "
      "record, convert, completion, man");
  expect_refused({"list", "config"}, 2,
                 "unknown list 'config'. Did you mean 'configs'?\n  known: configs, variants, "
                 "devices, routings");
#if defined(MOE_WITH_TORCH)
  const std::string in_torch = "vanilla_torch, torch_grouped_mm, ";
#else
  const std::string in_torch;
  expect_refused({"--variants", "vanilla_torch"}, 2,
                 "vanilla_torch is not in this build: it runs in PyTorch itself\n  configure with "
                 "-DMOE_TORCH=ON where PyTorch is installed (CONTRIBUTING.md)");
#endif
  const std::string variants =
      "\n  known: vanilla, vanilla+rounding, grouped_gemm, grouped_gemm+rounding, sonic, "
      "sonic+rounding, " +
      in_torch + "dense_bound";
  expect_refused({"--device", "cpu", "--variants", "vanilla,sonc"}, 2,
                 "unknown variant 'sonc'. Did you mean 'sonic'?" + variants);
  expect_refused({"--device", "cpu", "--baseline", "quickest"}, 2,
                 "unknown variant 'quickest'" + variants);
  expect_refused({"--mode", "forwards"}, 2,
                 "unknown value of --mode 'forwards'. Did you mean 'forward'?\n  known: forward, "
                 "forward_backward");
  expect_refused({"--check", "none"}, 2,
                 "unknown value of --check 'none'\n  known: full, off, quick");
  expect_refused({"--dtype", "fp8"}, 2,
                 "unknown dtype 'fp8'. Did you mean 'fp32'?\n  known: fp32, bf16, fp16");
  expect_refused(
      {"show", "larg"}, 2,
      "unknown config 'larg'. Did you mean 'large'?\n"
      "  `bench_moe_variants list configs` prints the names; a file must end in .toml or .json");
  expect_refused({"run", "small"}, 2,
                 "unexpected argument 'small'\n  see: bench_moe_variants --help");
}

TEST_F(BadInput, ImpossibleShapes) {
  expect_refused(
      {"--num-experts", "8", "--top-k", "16"}, 2,
      "--top-k 16 is larger than --num-experts 8\n  use --top-k 8 or less, or more experts");
  expect_refused({"--tokens", "0"}, 2,
                 "--tokens 0: at least 1 token is needed\n  use --tokens 1 or more");
  expect_refused(
      {"--tokens", "many"}, 2,
      "--tokens many: not a whole number\n  write a number, a list (1024,2048) or a range "
      "(1024:65536:*2, 64:512:+64)");
  expect_refused({"--batch-size", "0"}, 2,
                 "--batch-size 0: at least 1 is needed\n  use --batch-size 1 or more");
  expect_refused({"--tile", "0"}, 2, "--tile 0: at least 1 is needed\n  use --tile 1 or more");
  expect_refused({"--config", "llama-4-scout"}, 2,
                 "config 'llama-4-scout' is not supported: the sigmoid score scales the expert's "
                 "input, not its "
                 "output, which LayerConfig cannot say");
}

TEST_F(BadInput, ImpossibleTraffic) {
  const std::string forms =
      ": not a known kind of traffic, or its number is missing or out of range\n"
      "  use natural, balanced, zipf:S (S >= 0, for example zipf:1.2), hot:N (N >= 1) or "
      "trace:FILE[@LAYER]";
  for (const char* routing : {"uniform", "zipf", "zipf:-1", "hot:0", "hot:x"}) {
    expect_refused({"--device", "cpu", "--routing", routing}, 2,
                   "routing '" + std::string(routing) + "'" + forms);
  }
  expect_refused({"--device", "cpu", "--routing", "hot:9"}, 2,
                 "hot:9: there are only 8 experts\n  use hot:1 to hot:8");
}

TEST_F(BadInput, FilesThatAreNoConfiguration) {
  expect_refused(
      {"--config", "missing.toml"}, 2,
      "cannot read missing.toml: No such file or directory\n  check the path and its permissions");
  write_text(file("config.json"), R"({"model_type": "mixtral", "hidden_size": 64, "num_loc)");
  const Outcome truncated = run({"--config", "config.json"});
  EXPECT_EQ(truncated.exit_code, 2);
  EXPECT_THAT(truncated.err, StartsWith("error: config.json:1: not valid JSON"));
  write_text(file("config.json"), R"({"model_type": "llama", "hidden_size": 64})");
  const Outcome dense = run({"--config", "config.json"});
  EXPECT_EQ(dense.exit_code, 2);
  EXPECT_THAT(dense.err, StartsWith("error: config.json: not an MoE model: model_type 'llama', and "
                                    "no field speaks of experts\n"));
  write_text(file("my.toml"), "[layer]\nhidden_dim = 64\ntopk = 2\n");
  const Outcome unknown_key = run({"--config", "my.toml"});
  EXPECT_EQ(unknown_key.exit_code, 2);
  EXPECT_THAT(
      unknown_key.err,
      StartsWith("error: my.toml:3: unknown [layer] key 'topk'. Did you mean 'top_k'?\n  known: "));
}

TEST_F(BadInput, FoldersThatCannotBeWritten) {
  write_text(file("taken"), "a file in the place of a folder");
  const std::string remedy =
      "\n  choose a folder that you may write to, with space left: --out DIR";
  expect_refused({"--device", "cpu", "--out", "taken"}, 6,
                 "cannot write to taken: Not a directory" + remedy);
  expect_refused({"--device", "cpu", "--out", "taken/deeper"}, 6,
                 "cannot write to taken/deeper: Not a directory" + remedy);
  const Outcome dump = run({"--device", "cpu", "--dump-tensors", "taken"});
  EXPECT_EQ(dump.exit_code, 6);
  EXPECT_THAT(dump.err, StartsWith("error: cannot write to taken: Not a directory"));
}

TEST_F(BadInput, DumpsAboveTheLimit) {
  const Outcome outcome =
      run(tiny({"--device", "cpu", "--dump-tensors", "dump", "--dump-limit", "1MiB"}));
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err,
              testing::MatchesRegex(
                  "error: --dump-tensors would write [0-9.]+ MiB: --dump-limit is 1.00 MiB\n"
                  "  raise the limit, or use fewer tokens or variants\n"));
  EXPECT_FALSE(std::filesystem::exists(file("dump")));
}

TEST_F(BadInput, DevicesThatAreNotThere) {
  const Outcome outcome = run({"--device", "cuda:99"});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.err, testing::AnyOf(StartsWith("error: no GPU can be used: "),
                                          StartsWith("error: there is no cuda:99: ")));
  EXPECT_THAT(outcome.err, testing::Not(HasSubstr("terminate")));
  expect_refused({"--device", "gpu"}, 2, "unknown device 'gpu'\n  known: auto, cpu, cuda, cuda:0");
  expect_refused({"--device", "cuda:x"}, 2, "unknown device 'cuda:x'\n  write cpu, cuda or cuda:0");
}

TEST_F(BadInput, RunsThatAreNotThere) {
  expect_refused({"show", "last"}, 2,
                 "no run 'last': there is none in results/runs yet\n"
                 "  start one, or name the folder of results with --out DIR");
  expect_refused({"plot", "last", "--out", "elsewhere"}, 2,
                 "no run 'last': there is none in elsewhere/runs yet\n"
                 "  start one, or name the folder of results with --out DIR");
  const std::string none =
      ": there is none in results/runs yet\n"
      "  start one, or name the folder of results with --out DIR";
  expect_refused({"plot"}, 2, "no run 'last'" + none);
  expect_refused({"show", "last~3"}, 2, "no run 'last~3'" + none);
  expect_refused({"compare"}, 2, "no run 'last~1'" + none);
}

}  // namespace
}  // namespace moe::programs
