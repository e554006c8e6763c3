// Predictions and measurements side by side.
#include "measure/memory/memory_analysis.h"

#include <gtest/gtest.h>

#include "moe/error.h"
#include "record/json.h"
#include "support/bench.h"

namespace moe::measure {
namespace {

MemoryRequest request() {
  MemoryRequest request;
  request.model.name = "tiny";
  request.model.layer = {.hidden_dim = 64, .ffn_dim = 32, .num_experts = 8, .top_k = 2};
  request.model.layer.rounding = {RoundingRule::nearest, 8};
  request.model.seq_len = 128;
  request.variants = {"vanilla", "grouped_gemm", "grouped_gemm+rounding", "sonic",
                      "sonic+rounding"};
  request.baseline = "vanilla";
  return request;
}

MemoryTarget here() {
  MemoryTarget target;
  target.name = "cpu";
  target.traits = tests::cpu().traits();
  target.rates = {1e11, 1e10, 0, 0};
  target.capacity_bytes = std::int64_t{8} << 30;
  return target;
}

const MemoryEvents kQuiet{[](const std::string&) {}, [] { return false; }};

TEST(PredictMemory, GivesEachRowTwoPhasesThatSumExactly) {
  record::MemoryRun run;
  predict_memory(here(), request(), run);
  ASSERT_EQ(run.rows.size(), 5u);
  for (const record::MemoryRow& row : run.rows) {
    ASSERT_EQ(row.phases.size(), 2u) << row.variant;
    for (const record::MemoryPhase& phase : row.phases) {
      std::int64_t sum = 0;
      for (const record::MemoryTensor& tensor : phase.tensors) sum += tensor.bytes;
      EXPECT_EQ(sum, phase.total_bytes) << row.variant << " " << phase.phase;
      EXPECT_GT(phase.flops, 0);
      EXPECT_GT(phase.device_memory_bytes, 0);
      double flops = 0, bytes = 0;
      for (const record::MemoryStep& step : phase.steps) {
        flops += step.flops;
        bytes += step.device_memory_bytes;
        EXPECT_GT(step.device_memory_bytes, 0) << step.name;
      }
      EXPECT_EQ(flops, phase.flops) << row.variant << " " << phase.phase;
      EXPECT_EQ(bytes, phase.device_memory_bytes) << row.variant << " " << phase.phase;
    }
    EXPECT_EQ(row.rows.has_value(), row.variant.ends_with("+rounding"));
    ASSERT_EQ(row.fits.size(), 2u);
    EXPECT_GT(row.fits[0].tokens, row.fits[1].tokens) << "optimiser states take room";
    EXPECT_EQ(row.fits[0].sequences, row.fits[0].tokens / 128);
  }
}

TEST(PredictMemory, OfForwardAloneHasOnePhaseAndNoStates) {
  MemoryRequest forward = request();
  forward.training = false;
  record::MemoryRun run;
  predict_memory(here(), forward, run);
  EXPECT_EQ(run.optimizer, "none");
  for (const record::MemoryRow& row : run.rows) {
    ASSERT_EQ(row.phases.size(), 1u);
    EXPECT_EQ(row.phases[0].phase, "inference");
    for (const record::MemoryTensor& tensor : row.phases[0].tensors) {
      EXPECT_NE(tensor.part, "gradients");
      EXPECT_NE(tensor.part, "saved");
    }
  }
}

TEST(PredictMemory, WorksForGpusThatAreNotHere) {
  MemoryRequest large = request();
  large.model.layer.dtype = DType::bf16;
  for (const model::GpuPreset& gpu : model::gpu_presets()) {
    record::MemoryRun run;
    predict_memory(target_of(gpu), large, run);
    EXPECT_EQ(run.capacity_bytes, gpu.memory_bytes);
    EXPECT_EQ(run.rows.size(), 5u);
  }
}

TEST(MeasureMemory, StaysInsideThePredictionOfEveryRow) {
  record::MemoryRun run;
  predict_memory(here(), request(), run);
  ASSERT_TRUE(measure_memory(tests::cpu(), here(), request(), kQuiet, run));
  for (const record::MemoryRow& row : run.rows) {
    ASSERT_TRUE(row.measured.has_value()) << row.variant << ": " << row.not_measured;
    const model::LayerSetup setup = layer_setup(here(), request(), row.variant, 128);
    EXPECT_LE(row.measured->saved_bytes, static_cast<std::int64_t>(setup.plan.saved_bytes));
    EXPECT_LE(row.measured->workspace_bytes, static_cast<std::int64_t>(setup.plan.workspace_bytes));
    if (!row.rows) continue;
    EXPECT_EQ(*row.rows->exact_rows, row.measured->executed_pairs);
    EXPECT_LE(row.rows->least_rows, *row.rows->exact_rows);
    EXPECT_GE(row.rows->most_rows, *row.rows->exact_rows);
    EXPECT_LE(row.rows->least_held_bytes, *row.rows->exact_held_bytes);
    EXPECT_GE(row.rows->most_held_bytes, *row.rows->exact_held_bytes);
  }
}

TEST(MeasureMemory, StopsBetweenPasses) {
  record::MemoryRun run;
  predict_memory(here(), request(), run);
  int asked = 0;
  const MemoryEvents stop{[](const std::string&) {}, [&] { return ++asked > 2; }};
  EXPECT_FALSE(measure_memory(tests::cpu(), here(), request(), stop, run));
  EXPECT_TRUE(run.rows[1].measured.has_value());
  EXPECT_FALSE(run.rows[2].measured.has_value());
}

TEST(MeasureMemory, ConfirmsStrategiesThatTheLibraryRuns) {
  MemoryRequest all = request();
  all.variants = {"grouped_gemm", "sonic", "sonic+rounding"};
  all.strategies = model::all_strategies();
  record::MemoryRun run;
  predict_memory(here(), all, run);
  ASSERT_EQ(run.strategies.size(), 2 * (all.strategies.size() + 1)) << "not of rounded rows";
  ASSERT_TRUE(measure_memory(tests::cpu(), here(), all, kQuiet, run));
  int measured = 0;
  for (const record::MemoryStrategy& strategy : run.strategies) {
    if (strategy.basis != "measured") {
      EXPECT_FALSE(strategy.measured_after.has_value());
      continue;
    }
    ++measured;
    // The arena's part of the predicted saving, to alignment and the library's scratch.
    EXPECT_LE(*strategy.measured_after, *strategy.measured_before) << strategy.strategy;
  }
  EXPECT_EQ(measured, 4) << "minimal and chunks of grouped_gemm, in-place and chunks of sonic";
}

TEST(MemoryRun, SurvivesATripThroughJson) {
  MemoryRequest all = request();
  all.strategies = model::all_strategies();
  record::MemoryRun run;
  predict_memory(here(), all, run);
  ASSERT_TRUE(measure_memory(tests::cpu(), here(), all, kQuiet, run));
  const std::string text = record::to_json(run);
  EXPECT_EQ(record::to_json(record::memory_run_from_json(text, "run.json")), text);
  EXPECT_EQ(text.find("\"schema\": \"moe-memory/1\""), 4u);
  EXPECT_THROW(record::run_from_json(text, "run.json"), Error) << "it is no bench run";
}

}  // namespace
}  // namespace moe::measure
