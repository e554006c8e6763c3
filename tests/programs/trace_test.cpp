// Traces as a user has them: recorded, shown, replayed, drawn, converted; and what is said of those
// that do not fit.
#include <gmock/gmock.h>

#include <filesystem>

#include "record/json.h"
#include "record/npy.h"
#include "started_program.h"

namespace moe::programs {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kShape = {"--config",      "small", "--tokens",  "96",
                                         "--hidden-dim",  "32",    "--ffn-dim", "24",
                                         "--num-experts", "16",    "--device",  "cpu"};

class TraceTest : public ProgramTest {
 protected:
  Outcome run_with_shape(std::vector<std::string> words,
                         const std::vector<std::string>& more) const {
    words.insert(words.end(), kShape.begin(), kShape.end());
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  Outcome recorded(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"--routing", "zipf:1", "--layers", "3", "-o", "t.moetrace"};
    words.insert(words.end(), more.begin(), more.end());
    return run_with_shape({"record"}, words);
  }
};

TEST_F(TraceTest, IsRecordedShownReplayedAndDrawn) {
  const Outcome record = recorded({"--logits"});
  ASSERT_EQ(record.exit_code, 0) << record.err;
  EXPECT_THAT(record.out, HasSubstr("T=96 E=16 K=2, 3 layers | experts, scores, logits"));
  EXPECT_THAT(record.out, HasSubstr("# origin   recorded: small, zipf:1, seed 42, cpu"));
  EXPECT_THAT(record.out, HasSubstr("wrote      t.moetrace"));

  const Outcome show = run({"show", "t.moetrace"});
  EXPECT_EQ(show.exit_code, 0) << show.err;
  EXPECT_EQ(show.out + "wrote      t.moetrace\n", record.out);

  const Outcome replay = run_with_shape(
      {}, {"--routing", "trace:t.moetrace@2", "--tile", "8", "--fast", "--no-plots"});
  ASSERT_EQ(replay.exit_code, 0) << replay.err << replay.out;
  EXPECT_THAT(replay.out, HasSubstr("# routing  trace:t.moetrace@2 crc32:"));
  EXPECT_THAT(replay.err, HasSubstr("sonic+rounding: check ok"));

  const Outcome plot = run({"plot", "t.moetrace"});
  if (plot.err.find("gnuplot not found") != std::string::npos) GTEST_SKIP() << plot.err;
  EXPECT_EQ(plot.exit_code, 0) << plot.err;
  EXPECT_TRUE(std::filesystem::exists(file("results/expert_load_by_layer.png")));
  EXPECT_TRUE(std::filesystem::exists(file("results/traces/t/plot/expert_load_by_layer.gp")));
}

TEST_F(TraceTest, WithoutLogitsLeavesRowsOutThatWouldAddPairs) {
  ASSERT_EQ(recorded().exit_code, 0);
  const Outcome replay = run_with_shape({}, {"--routing", "trace:t.moetrace", "--fast",
                                             "--no-plots", "--variants", "sonic,sonic+rounding"});
  EXPECT_EQ(replay.exit_code, 0) << replay.err << replay.out;
  EXPECT_THAT(replay.err, HasSubstr("sonic+rounding: skipped, rounding by 'nearest' adds pairs"));
  EXPECT_THAT(run({"show", "t.moetrace"}).out, HasSubstr("without logits"));
}

TEST_F(TraceTest, IsSweptOverItsLayers) {
  ASSERT_EQ(recorded().exit_code, 0);
  const Outcome sweep =
      run_with_shape({}, {"--routing", "trace:t.moetrace@0,trace:t.moetrace@2,trace:t.moetrace@3",
                          "--fast", "--no-plots", "--variants", "sonic", "--baseline", "sonic"});
  EXPECT_EQ(sweep.exit_code, 0) << sweep.err << sweep.out;
  EXPECT_THAT(sweep.out, HasSubstr("it has 3 layers, not layer 3"));
}

TEST_F(TraceTest, IsConvertedFromArrays) {
  const std::int32_t ids[] = {0, 3, 2, 1, 3, 0};
  const float scores[] = {.5f, .5f, .75f, .25f, 1, 0};
  record::write_npy(file("ids.npy"), ids, {3, 2});
  record::write_npy(file("scores.npy"), scores, {3, 2});
  const Outcome convert = run({"convert", "--ids", "ids.npy", "--scores", "scores.npy",
                               "--num-experts", "4", "-o", "new/folder/t"});
  EXPECT_EQ(convert.exit_code, 0) << convert.err;
  EXPECT_THAT(convert.out, HasSubstr("T=3 E=4 K=2, 1 layer | experts, scores"));
  EXPECT_THAT(run({"show", "new/folder/t"}).out, HasSubstr("converted from ids.npy"));
}

TEST_F(TraceTest, ThatDoesNotFitIsRefused) {
  ASSERT_EQ(recorded().exit_code, 0);
  const auto refusal = [&](const std::vector<std::string>& more) {
    const Outcome outcome = run_with_shape({}, more);
    EXPECT_EQ(outcome.exit_code, 2);
    return outcome.err;
  };
  EXPECT_THAT(refusal({"--routing", "trace:none"}), HasSubstr("cannot read none"));
  EXPECT_THAT(refusal({"--routing", "trace:t.moetrace@3"}), HasSubstr("@0 to @2"));
  EXPECT_THAT(refusal({"--routing", "trace:t.moetrace", "--top-k", "3"}),
              HasSubstr("use --top-k 2"));
  EXPECT_THAT(refusal({"--routing", "trace:t.moetrace", "--ep-rank", "1/2"}),
              HasSubstr("--ep-rank on a trace"));
  write_text(file("t.moetrace"), text_of(file("t.moetrace")).substr(0, 1000));
  EXPECT_THAT(refusal({"--routing", "trace:t.moetrace"}), HasSubstr("bytes behind the header"));
  EXPECT_EQ(run({"show", "t.moetrace"}).exit_code, 2);
  EXPECT_EQ(recorded({"--top-k", "1,2"}).exit_code, 2);
  EXPECT_EQ(run({"convert", "--ids", "ids.npy", "-o", "t"}).exit_code, 2);
  EXPECT_EQ(run({"record"}).exit_code, 2);
}

}  // namespace
}  // namespace moe::programs
