// memory_analysis as a user runs it: golden screens with what differs from machine to machine
// masked, files, and refusals. After a wanted change: MOE_UPDATE_GOLDEN=1 rewrites golden/.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>
#include <sstream>

#include "memory/target.h"
#include "programs/started_program.h"
#include "record/json.h"

namespace moe::programs {
namespace {

using testing::HasSubstr;
using testing::Not;

#ifdef MOE_WITH_CUDA
constexpr bool kHasCuda = true;  // plans of a GPU are then those of the backend's kernels
#else
constexpr bool kHasCuda = false;
#endif

std::string replaced(const std::string& text, const char* pattern, const char* with) {
  return std::regex_replace(text, std::regex(pattern), with);
}

/// Without version, commit, run id, and what depends on the build.
std::string masked(const std::string& screen) {
  std::istringstream lines(screen);
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# memory_analysis")) line = "# memory_analysis #";
    text += line + "\n";
  }
  return replaced(text, "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9-]+Z-[0-9a-f]{4}", "RUN");
}

void expect_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path file = std::filesystem::path(MOE_TEST_DATA) / "golden" / name;
  if (std::getenv("MOE_UPDATE_GOLDEN") != nullptr) write_text(file, text);
  EXPECT_EQ(text, text_of(file)) << "differs from " << file;
}

std::vector<std::string> layer(const std::vector<std::string>& more) {
  std::vector<std::string> all = {"--hidden-dim", "64",  "--ffn-dim", "32",
                                  "--tokens",     "128", "--tile",    "8"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST(MemoryOptions, TheDefaultsTypeIsTheDevicesUnlessFlagsSayOne) {
  const auto dtype = [](const std::vector<std::string>& arguments, DeviceKind kind) {
    MemoryOptions options = parse_memory_options(arguments);
    settle_dtype(options, kind);
    return options.model.layer.dtype;
  };
  EXPECT_EQ(dtype({"--tokens", "64"}, DeviceKind::cuda), DType::bf16);
  EXPECT_EQ(dtype({"--tokens", "64"}, DeviceKind::cpu), DType::f32);
  for (const char* given : {"--config=small", "--dtype=fp32"})
    EXPECT_EQ(dtype({given}, DeviceKind::cuda), DType::f32) << given;
}

class MemoryProgram : public ProgramTest {
 protected:
  /// The only saved analysis.
  std::string run_id() const {
    for (const auto& entry : std::filesystem::directory_iterator(file("results/memory/runs")))
      return entry.path().filename().string();
    return "none";
  }
};

// Plans of the CPU backend's algorithms: where CUDA kernels are built, theirs have scratch besides.
TEST_F(MemoryProgram, PredictsALayerThatIsTooLargeForThisMachine) {
  const Outcome outcome = run({"--config", "deepseek-v3", "--gpu", "h100", "--variants",
                               "vanilla,sonic", "--strategy", "all", "--no-plots"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  if (!kHasCuda) expect_golden("memory_deepseek_v3.txt", masked(outcome.out));
  EXPECT_THAT(outcome.out, HasSubstr("predicted"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("measured  ")));
}

TEST_F(MemoryProgram, MeasuresWhatFitsHere) {
  const Outcome outcome = run(layer({"--device", "cpu", "--threads", "2", "--strategy", "chunk:2",
                                     "--strategy", "in-place-dh", "--no-plots"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("measured by one pass here"));
  EXPECT_THAT(outcome.out, HasSubstr("PEAK"));
  EXPECT_THAT(outcome.out, HasSubstr("rows by the configuration"));
  EXPECT_THAT(outcome.out, HasSubstr("with this routing"));
  const auto path = file("results/memory/runs") / run_id() / "run.json";
  const record::MemoryRun saved = record::memory_run_from_json(text_of(path), path.string());
  ASSERT_EQ(saved.rows.size(), 5u);
  for (const record::MemoryRow& row : saved.rows) {
    ASSERT_TRUE(row.measured.has_value()) << row.variant;
    EXPECT_LE(row.measured->saved_bytes, row.held_bytes);
  }
  const Outcome again = run({"show"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr(saved.id)) << "the latest when none is named";
  EXPECT_THAT(again.out, Not(HasSubstr("FLOP/B")));
  EXPECT_THAT(run({"show", "last", "--steps"}).out, HasSubstr("FLOP/B"));
}

TEST_F(MemoryProgram, PredictsTheTrafficOfEveryStep) {
  const Outcome outcome =
      run(layer({"--gpu", "h100", "--variants", "sonic", "--steps", "--no-plots"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("d_w_down"));
  EXPECT_THAT(outcome.out, HasSubstr("ncu --profile-from-start off"));
  EXPECT_THAT(text_of(file("results/memory/runs") / run_id() / "steps.csv"),
              HasSubstr("\nsonic,backward,d_w_down,"));
}

TEST_F(MemoryProgram, DrawsItsPicture) {
  const Outcome outcome = run(layer({"--device", "cpu", "--variants", "vanilla,sonic"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto folder = file("results/memory/runs") / run_id();
  EXPECT_THAT(text_of(folder / "plot/memory_breakdown.dat"), HasSubstr("sonic 'weights'"));
  EXPECT_THAT(text_of(folder / "memory.csv"), HasSubstr("sonic,backward,"));
  if (outcome.err.find("gnuplot not found") != std::string::npos) GTEST_SKIP() << "no gnuplot";
  EXPECT_EQ(text_of(file("results/memory_breakdown.png")).substr(1, 3), "PNG");
  std::filesystem::remove(file("results/memory_breakdown.png"));
  EXPECT_EQ(run({"plot", "last"}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(file("results/memory_breakdown.png")));
}

TEST_F(MemoryProgram, ProfilesOneBarePassAndWritesNothing) {
  const Outcome outcome = run(layer({"--device", "cpu", "--profile", "--variants", "sonic"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("device memory traffic"));
  EXPECT_THAT(outcome.out, HasSubstr("aggregate")) << "step by step";
  EXPECT_FALSE(std::filesystem::exists(file("results")));
  EXPECT_EQ(run(layer({"--device", "cpu", "--profile"})).exit_code, 2) << "five variants";
}

TEST_F(MemoryProgram, PredictsForwardAlone) {
  const Outcome outcome =
      run(layer({"--gpu", "h200", "--mode", "forward", "--dtype", "bf16", "--no-plots"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("inference"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("gradients  ")));
}

TEST_F(MemoryProgram, ListsWhatThereIs) {
  EXPECT_THAT(run({"list"}).out, HasSubstr("gb300"));
  EXPECT_THAT(run({"list", "strategies"}).out, HasSubstr("zero:STAGE:N"));
  EXPECT_THAT(run({"published"}).out, HasSubstr("47 of 48 bars agree"));
  EXPECT_EQ(run({"--help"}).exit_code, 0);
}

struct Refusal {
  std::vector<std::string> arguments;
  int exit_code;
  const char* message;
};

TEST_F(MemoryProgram, RefusesBadInputInOneBlockAndWritesNothing) {
  const std::vector<Refusal> refusals = {
      {{"--config", "deepsek-v3"}, 2, "Did you mean 'deepseek-v3'"},
      {{"--gpu", "h1000"}, 2, "unknown GPU 'h1000'. Did you mean 'h100'?"},
      {{"--strategy", "chunk"}, 2, "write it as chunk:N"},
      {{"--strategy", "chunk:0"}, 2, "'0' is not a whole number from 2"},
      {{"--strategy", "recompute"}, 2, "known: memory-minimal"},
      {{"--strategy", "offload", "--mode", "forward"}, 2, "about what backward needs"},
      {{"--capacity", "many"}, 2, "'many' is not a size"},
      {{"--capacity", "0"}, 2, "nothing fits into no memory"},
      {{"--variants", "sonik"}, 2, "Did you mean 'sonic'?"},
      {{"--baseline", "nobody"}, 2, "unknown variant 'nobody'"},
      {{"--optimizer", "adam"}, 2, "unknown value of --optimizer"},
      {{"--mode", "backward"}, 2, "unknown value of --mode"},
      {{"--tokens", "0"}, 2, "at least 1 token"},
      {{"--routing", "often"}, 2, "often"},
      {{"--predict"}, 2, "Did you mean"},
      {{"--quiet=2"}, 2, "--quiet takes no value"},
      {{"--seed", "-1"}, 2, "-1 is not a whole number from 0 upwards"},
      {{"--threads", "-1"}, 2, "--threads"},
      {{"--max-time", "soon"}, 2, "--max-time: Value soon not in range"},
      {{"--device", "gpu", "--quiet"}, 2, "unknown device 'gpu'"},
      {{"--tokens", "128,256"}, 2, "several values"},
      {{"--config", "nowhere.toml"}, 2, "nowhere.toml"},
      {{"--gpu", "h100", "--profile"}, 2, "choose the device with --device"},
      {{"--predict-only", "--profile"}, 2, "--predict-only forbids it"},
      {{"show", "last"}, 2, "no run 'last'"},
      {{"list", "gpu"}, 2, "Did you mean 'gpus'?"},
      {{"completion", "fish"}, 2, "known: bash, zsh"},
      {{"analyse"}, 2, "unknown command 'analyse'"}};
  for (const Refusal& refusal : refusals) {
    const Outcome outcome = run(refusal.arguments);
    SCOPED_TRACE(testing::PrintToString(refusal.arguments));
    EXPECT_EQ(outcome.exit_code, refusal.exit_code);
    EXPECT_THAT(outcome.err, HasSubstr(refusal.message));
    EXPECT_TRUE(outcome.err.starts_with("error: ")) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
  EXPECT_FALSE(std::filesystem::exists(file("results")));
}

TEST_F(MemoryProgram, SaysSoWhenResultsCannotBeWritten) {
  write_text(file("results"), "a file where a folder should be");
  const Outcome outcome = run(layer({"--gpu", "h100", "--no-plots"}));
  EXPECT_EQ(outcome.exit_code, 6) << outcome.err;
  EXPECT_EQ(outcome.out, "") << "refused before anything is printed";
}

}  // namespace
}  // namespace moe::programs
