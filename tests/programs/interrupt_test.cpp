// Ctrl-C and a polite kill: what was measured is kept, and the exit code says which it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "programs/started_program.h"
#include "record/store.h"

namespace moe::programs {
namespace {

using testing::HasSubstr;

class Interrupt : public ProgramTest {
 protected:
  /// Would sample for a minute, as no noise is low enough.
  const std::vector<std::string> endless_ = {
      "--device", "cpu", "--hidden-dim", "128", "--ffn-dim",     "128",    "--tokens",  "512",
      "--tile",   "32",  "--max-noise",  "0",   "--max-samples", "100000", "--no-plots"};

  record::Run last_run() const {
    return record::load_run(record::find_run(file("results"), "last"));
  }
};

TEST_F(Interrupt, WhileSamplingKeepsTheSamples) {
  StartedProgram program(scratch_.path(), endless_);
  ASSERT_TRUE(program.wait_for_progress("round 2 done"));
  program.send(SIGINT);
  const Outcome outcome = program.finish();
  EXPECT_EQ(outcome.exit_code, 130);
  EXPECT_THAT(outcome.err, HasSubstr("go on with\n  bench_moe_variants --resume 20"));
  EXPECT_THAT(outcome.out, HasSubstr("sonic+rounding"));
  ASSERT_EQ(last_run().rows.size(), 5u);
  for (const record::Row& row : last_run().rows) {
    EXPECT_EQ(row.status, record::Status::ok) << row.variant;
    EXPECT_GE(row.total->samples_s.size(), 2u) << row.variant;
    EXPECT_TRUE(row.speedup.has_value()) << row.variant;
  }
  EXPECT_EQ(run({"show", "last"}).exit_code, 0);
}

TEST_F(Interrupt, WhileCheckingLeavesAReadableRun) {
  StartedProgram program(scratch_.path(), endless_);
  ASSERT_TRUE(program.wait_for_progress("[1/5]"));
  program.send(SIGTERM);
  const Outcome outcome = program.finish();
  EXPECT_EQ(outcome.exit_code, 143);
  EXPECT_EQ(last_run().rows.size(), 5u);
  EXPECT_EQ(run({"show", "last"}).exit_code, 0);
}

}  // namespace
}  // namespace moe::programs
