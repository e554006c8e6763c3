// A trace on the screen and as a picture.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "record/files.h"
#include "record/scratch_folder.h"
#include "report/bench/trace_text.h"
#include "report/plot/gnuplot.h"
#include "report/plot/plots.h"

namespace moe::report {
namespace {

using testing::HasSubstr;
using testing::Not;

record::Load load_of(std::vector<double> utilization) {
  record::Load load;
  load.used_experts = static_cast<std::int64_t>(utilization.size());
  load.max_over_mean = *std::max_element(utilization.begin(), utilization.end());
  load.min_over_mean = *std::min_element(utilization.begin(), utilization.end());
  load.cv = 0.25;
  load.cv_random = 0.031;
  load.entropy = 0.98;
  load.gini = 0.12;
  load.utilization = std::move(utilization);
  return load;
}

record::TraceSummary small_trace() {
  return {.file = "routes.moetrace",
          .path = "traces/routes.moetrace",
          .hash = "crc32:1a2b3c4d",
          .origin = "recorded: it's small, zipf:1",
          .tokens = 4096,
          .num_experts = 4,
          .top_k = 2,
          .has_scores = true,
          .has_logits = false,
          .file_bytes = 3 << 20,
          .layers = {load_of({1, 1, 1, 1}), load_of({0.5, 1.5, 1.25, 0.75})}};
}

TEST(TraceText, SaysWhatATraceHolds) {
  EXPECT_EQ(trace_text(small_trace()),
            "# trace    routes.moetrace, 3.00 MiB | crc32:1a2b3c4d\n"
            "# shape    T=4096 E=4 K=2, 2 layers | experts, scores\n"
            "# origin   recorded: it's small, zipf:1\n"
            "layer  used  max/mean  min/mean     CV  entropy   Gini\n"
            "    0   4/4      1.00      1.00  0.250    0.980  0.120\n"
            "    1   4/4      1.50      0.50  0.250    0.980  0.120\n"
            "CV of fair random routing: 0.031\n"
            "without logits: rounding rules that add pairs cannot run on it\n"
            "replay     --num-experts 4 --top-k 2 --tokens 4096 --routing "
            "trace:traces/routes.moetrace@0\n");
}

TEST(TraceText, SaysNothingOfWhatIsThere) {
  record::TraceSummary trace = small_trace();
  trace.has_logits = true;
  trace.origin.clear();
  trace.layers.resize(1);
  EXPECT_THAT(trace_text(trace), Not(HasSubstr("without logits")));
  EXPECT_THAT(trace_text(trace), Not(HasSubstr("# origin")));
  EXPECT_THAT(trace_text(trace), HasSubstr("K=2, 1 layer | experts, scores, logits\n"));
}

TEST(TracePlot, HasACellPerExpertAndLayer) {
  const PlotSource source = trace_plot(small_trace());
  EXPECT_EQ(source.name, "expert_load_by_layer");
  EXPECT_THAT(source.data, HasSubstr("0 3 1\n1 0 0.5\n1 1 1.5\n"));
  EXPECT_THAT(source.data, HasSubstr("# layer  max_over_mean\n0 1\n1 1.5\n"));
  EXPECT_THAT(source.script, HasSubstr("trace routes.moetrace   crc32:1a2b3c4d"));
}

TEST(TracePlot, IsDrawnForFewAndManyLayers) {
  record::TraceSummary one = small_trace(), many = small_trace();
  one.layers.resize(1);
  std::vector<double> skewed(256, 0.5);
  skewed[3] = 128.5;
  many.num_experts = 256;
  many.layers.assign(61, load_of(skewed));
  for (const record::TraceSummary& trace : {one, small_trace(), many}) {
    const record::ScratchFolder folder;
    const DrawnPlots drawn = draw_sources({trace_plot(trace)}, folder.path() / "t", folder.path());
    if (drawn.problem == "gnuplot not found") GTEST_SKIP() << drawn.problem;
    EXPECT_EQ(drawn.problem, "");
    ASSERT_EQ(drawn.pictures.size(), 1u);
    EXPECT_GT(record::read_file(drawn.pictures[0]).size(), 12000u);
  }
}

}  // namespace
}  // namespace moe::report
