// Ctrl-C and a polite kill: what was measured is kept, and the exit code says which it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "cli/progress.h"
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

/// On the main thread's own stack a handler would write into products at work: oneDNN's generated
/// code uses the stack pointer for other things. Nine of nine runs under a 3 kHz timer died so.
TEST(Interrupts, AreHandledOnAStackOfTheirOwn) {
  catch_interrupts();
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction installed = {};
    sigaction(number, nullptr, &installed);
    EXPECT_TRUE(installed.sa_flags & SA_ONSTACK);
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    sigaction(number, &standard, nullptr);
  }
  stack_t stack = {};
  sigaltstack(nullptr, &stack);
  EXPECT_EQ(stack.ss_flags & SS_DISABLE, 0);
  EXPECT_GE(stack.ss_size, static_cast<std::size_t>(sysconf(_SC_MINSIGSTKSZ)));
}

}  // namespace
}  // namespace moe::programs
