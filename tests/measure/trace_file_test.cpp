// Traces from files and arrays: what fits a configuration, and what is said of what does not.
#include "measure/trace/trace_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "measure/trace/trace_arrays.h"
#include "measure/trace/trace_summary.h"
#include "moe/error.h"
#include "record/files.h"
#include "record/npy.h"
#include "record/scratch_folder.h"

namespace moe::measure {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string message(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  return "no error";
}

const std::int32_t kIds[] = {0, 4, 2, 1, 4, 3, 1, 0, 0, 1, 2, 4};
const float kScores[] = {.75f, .25f, .5f, .5f, 1, 0, .1f, .2f, .3f, .4f, .5f, .6f};
const float kLogits[30] = {};

class TraceFiles : public testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }

  /// Two layers of three tokens, each with two of five experts.
  TraceArrays arrays() const {
    record::write_npy(path("ids.npy"), kIds, {2, 3, 2});
    record::write_npy(path("scores.npy"), kScores, {2, 3, 2});
    record::write_npy(path("logits.npy"), kLogits, {2, 3, 5});
    return {path("ids.npy"), path("scores.npy"), path("logits.npy")};
  }

  record::ScratchFolder folder_;
};

TEST_F(TraceFiles, AreMadeOfArraysOfSeveralLayers) {
  const routing::Trace trace = trace_from_arrays(arrays(), 5);
  EXPECT_EQ(trace.layers.size(), 2u);
  EXPECT_EQ(trace.tokens, 3);
  EXPECT_EQ(trace.num_experts, 5);
  EXPECT_EQ(trace.top_k, 2);
  EXPECT_THAT(trace.layers[1].experts, ElementsAre(1, 0, 0, 1, 2, 4));
  EXPECT_THAT(trace.layers[1].scores, ElementsAre(.1f, .2f, .3f, .4f, .5f, .6f));
  EXPECT_EQ(trace.layers[1].logits.size(), 15u);
  EXPECT_EQ(trace.origin, "converted from ids.npy");
  EXPECT_EQ(trace_from_arrays(arrays(), 0).num_experts, 5) << "as the logits tell";
}

TEST_F(TraceFiles, AreMadeOfArraysOfOneLayer) {
  record::write_npy(path("ids.npy"), kIds, {6, 2});
  const routing::Trace trace = trace_from_arrays({path("ids.npy"), {}, {}}, 5);
  EXPECT_EQ(trace.layers.size(), 1u);
  EXPECT_EQ(trace.tokens, 6);
  EXPECT_FALSE(trace.has_scores());
  EXPECT_FALSE(trace.has_logits());
}

TEST_F(TraceFiles, RefuseArraysThatDoNotFitTogether) {
  TraceArrays all = arrays();
  EXPECT_THAT(message([&] {
                trace_from_arrays({all.ids, {}, {}}, 0);
              }),
              HasSubstr("give --num-experts"));
  EXPECT_THAT(message([&] {
                trace_from_arrays({all.ids, {}, {}}, 4);
              }),
              HasSubstr("expert 4 at layer 0, token 0, of 4 experts"));
  EXPECT_THAT(message([&] {
                trace_from_arrays({all.ids, {}, all.logits}, 6);
              }),
              HasSubstr("its shape is [2, 3, 5], the ids call for [2, 3, 6]"));
  record::write_npy(path("scores.npy"), kScores, {6, 2});
  EXPECT_THAT(message([&] { trace_from_arrays(all, 5); }),
              HasSubstr("its shape is [6, 2], the ids call for [2, 3, 2]"));
  record::write_npy(path("ids.npy"), kIds, {12});
  EXPECT_THAT(message([&] { trace_from_arrays(all, 5); }),
              HasSubstr("ids are [T, K] or [L, T, K]"));
  record::write_npy(path("ids.npy"), kIds, {0, 2});
  EXPECT_THAT(message([&] { trace_from_arrays({all.ids, {}, {}}, 5); }), HasSubstr("0 layers"));
  EXPECT_THAT(message([&] {
                trace_from_arrays({path("none.npy"), {}, {}}, 5);
              }),
              HasSubstr("cannot read"));
}

ModelConfig model(std::int64_t tokens, std::int64_t num_experts, std::int64_t top_k) {
  ModelConfig fitting;
  fitting.layer.num_experts = num_experts;
  fitting.layer.top_k = top_k;
  fitting.seq_len = tokens;
  return fitting;
}

TEST_F(TraceFiles, GiveTheFirstTokensOfTheLayerAskedFor) {
  const std::string bytes = routing::trace_bytes(trace_from_arrays(arrays(), 5));
  record::write_file(path("t"), bytes);
  const routing::Traffic traffic = routing::parse_traffic("trace:" + path("t").string() + "@1");
  const TraceInput input = load_trace(traffic, model(2, 5, 2));
  EXPECT_THAT(input.layer.experts, ElementsAre(1, 0, 0, 1));
  EXPECT_THAT(input.layer.scores, ElementsAre(.1f, .2f, .3f, .4f));
  EXPECT_EQ(input.layer.logits.size(), 10u);
  EXPECT_EQ(input.hash, routing::trace_hash(bytes));
  EXPECT_EQ(load_trace(traffic, model(3, 5, 2)).layer.experts.size(), 6u);
}

TEST_F(TraceFiles, RefuseAConfigurationThatTheyDoNotFit) {
  record::write_file(path("t"), routing::trace_bytes(trace_from_arrays(arrays(), 5)));
  const auto refusal = [&](const std::string& layer, const ModelConfig& configuration) {
    const auto traffic = routing::parse_traffic("trace:" + path("t").string() + layer);
    return message([&] { load_trace(traffic, configuration); });
  };
  EXPECT_THAT(refusal("@2", model(3, 5, 2)), HasSubstr("it has 2 layers, not layer 2"));
  EXPECT_THAT(refusal("", model(3, 8, 2)), HasSubstr("use --num-experts 5"));
  EXPECT_THAT(refusal("", model(3, 5, 1)), HasSubstr("use --top-k 2"));
  EXPECT_THAT(refusal("", model(4, 5, 2)), HasSubstr("it has 3 tokens, the configuration 4"));
  EXPECT_THAT(message([&] { load_trace(routing::parse_traffic("trace:none"), model(3, 5, 2)); }),
              HasSubstr("cannot read none"));
}

TEST_F(TraceFiles, AreToldByTheirFirstBytes) {
  record::write_file(path("t"), routing::trace_bytes(trace_from_arrays(arrays(), 5)));
  record::write_file(path("short"), "MOE");
  EXPECT_TRUE(is_trace_file(path("t")));
  EXPECT_FALSE(is_trace_file(path("short")));
  EXPECT_FALSE(is_trace_file(path("ids.npy")));
  EXPECT_FALSE(is_trace_file(path("none")));
  EXPECT_FALSE(is_trace_file(folder_.path()));
}

TEST_F(TraceFiles, AreSummedUpLayerByLayer) {
  routing::Trace trace = trace_from_arrays(arrays(), 5);
  trace.origin = "made\x1b[2J by\nhand";
  record::write_file(path("t"), routing::trace_bytes(trace));
  const record::TraceSummary summary = summarize_trace(path("t"));
  EXPECT_EQ(summary.file, "t");
  EXPECT_EQ(summary.path, path("t").string());
  EXPECT_EQ(summary.origin, "made [2J by hand") << "a terminal obeys nothing in it";
  EXPECT_EQ(summary.tokens, 3);
  EXPECT_TRUE(summary.has_scores && summary.has_logits);
  ASSERT_EQ(summary.layers.size(), 2u);
  EXPECT_EQ(summary.layers[1].used_experts, 4);
  EXPECT_EQ(summary.layers[1].utilization[0], 2 * 5 / 6.0);
  EXPECT_EQ(summary.layers[1].utilization[3], 0);
}

}  // namespace
}  // namespace moe::measure
