// Whole runs of the real program: what they print, leave behind and return.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "programs/started_program.h"
#include "record/store.h"

namespace moe::programs {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

bool have_gnuplot() {
  return std::system("command -v gnuplot >/dev/null 2>&1") == 0;
}

bool is_png(const fs::path& file) {
  return text_of(file).starts_with("\x89PNG\r\n");
}

class Run : public ProgramTest {
 protected:
  record::Run last_run() const {
    return record::load_run(record::find_run(file("results"), "last"));
  }
};

/// Where the processor has no bfloat16 arithmetic there is no ceiling, and rows say why they do not
/// run.
TEST_F(Run, OfBfloat16NeedsNoArithmeticOfTheProcessor) {
  const Outcome outcome =
      run(tiny({"--device", "cpu", "--dry-run", "--dtype", "bf16", "--variants", "vanilla"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, testing::AnyOf(HasSubstr("  yes"), HasSubstr("no: this processor")));
}

TEST_F(Run, TakesAllInsideAListOfVariants) {
  const Outcome outcome =
      run(tiny({"--device", "cpu", "--dry-run", "--variants", "all,vanilla+rounding"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::size_t last = outcome.out.find("\nvanilla+rounding ");
  ASSERT_NE(last, std::string::npos);
  for (const char* name : {"\nvanilla ", "\ngrouped_gemm ", "\nsonic ", "\nsonic+rounding "}) {
    EXPECT_LT(outcome.out.find(name), last) << name;
  }
}

TEST_F(Run, LeavesItsResultsAndCanBeShownAndDrawnAgain) {
  const Outcome outcome = run(tiny({"--device", "cpu", "--tile", "8"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              HasSubstr("again      bench_moe_variants --config small --hidden-dim 64"));
  const fs::path folder = record::find_run(file("results"), "last");
  for (const char* name : {"run.json", "points.jsonl", "table.md", "table.csv"}) {
    EXPECT_GT(fs::file_size(folder / name), 100u) << name;
  }
  const record::Run saved = last_run();
  ASSERT_EQ(saved.rows.size(), 5u);
  for (const record::Row& row : saved.rows) {
    EXPECT_EQ(row.status, record::Status::ok) << row.variant;
    EXPECT_EQ(row.total->samples_s.size(), 3u) << row.variant;
  }
  EXPECT_EQ(saved.environment.num_cores > 0, true);
  EXPECT_EQ(saved.request.at("--max-samples"), "3");
  EXPECT_EQ(saved.request.at("--variants"),
            "vanilla,grouped_gemm,grouped_gemm+rounding,sonic,sonic+rounding");
  const std::string points = text_of(folder / "points.jsonl");
  EXPECT_EQ(std::count(points.begin(), points.end(), '\n'), 5);

  const Outcome shown = run({"show", "last"});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_THAT(shown.out, HasSubstr(saved.verdict));
  EXPECT_THAT(shown.out, HasSubstr(saved.repeat_command));
  if (!have_gnuplot()) return;
  for (const char* name : {"latency_comparison.png", "expert_load_distribution.png"}) {
    const fs::path picture = file("results") / name;
    EXPECT_TRUE(is_png(picture)) << name;
    fs::remove(picture);
  }
  EXPECT_EQ(run({"plot", "last"}).exit_code, 0);
  EXPECT_TRUE(is_png(file("results/latency_comparison.png")));
}

TEST_F(Run, ForwardAloneAndDumped) {
  const Outcome outcome = run(tiny({"--device", "cpu", "--mode", "forward", "--variants", "sonic",
                                    "--dump-tensors", "dump", "--no-plots", "--out", "elsewhere"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("dumping tensors to dump: about "));
  EXPECT_THAT(outcome.out, testing::Not(HasSubstr("bwd")));
  EXPECT_THAT(outcome.out, HasSubstr("vs vanilla: empty, because it was not among the variants"));
  EXPECT_TRUE(fs::exists(file("dump/sonic/out.npy")));
  EXPECT_FALSE(fs::exists(file("dump/sonic/d_x.npy")));
  EXPECT_TRUE(fs::exists(file("dump/shared/w_up.npy")));
  EXPECT_FALSE(fs::exists(file("results")));
  EXPECT_FALSE(fs::exists(file("elsewhere/latency_comparison.png")));
}

TEST_F(Run, ThatFitsNowhereSaysWhatWouldFit) {
  const Outcome outcome = run({"--device", "cpu", "--hidden-dim", "4096", "--ffn-dim", "64",
                               "--tokens", "1000000000", "--no-plots", "--quiet"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err, "") << "--quiet";
  EXPECT_THAT(outcome.out, testing::ContainsRegex(
                               "skip: sonic T=1,000,000,000 E=8: out of memory: needs [0-9.]+ GiB "
                               "\\(weights 24.1 MiB, gradients 24.1 MiB, saved [0-9.]+ GiB, "
                               "workspace [0-9.]+ GiB, inputs and outputs [0-9.]+ GiB\\), "
                               "[0-9.]+ [GM]iB free; largest T that fits: [0-9,]+\n"));
  ASSERT_EQ(last_run().rows.size(), 5u);
  for (const record::Row& row : last_run().rows) {
    EXPECT_EQ(row.status, record::Status::skipped);
    EXPECT_GT(row.largest_tokens.value_or(0), 64);
  }
}

}  // namespace
}  // namespace moe::programs
