// Screens of a memory run with figures of no real machine.
#include "report/memory/memory_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/memory/memory_facts.h"
#include "report/plot/plot_memory.h"

namespace moe::report {
namespace {

using record::MemoryPhase;
using record::MemoryRow;
using record::MemoryRun;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kMiB = 1 << 20;

MemoryPhase phase_of(const char* name, const char* step,
                     std::vector<record::MemoryTensor> tensors) {
  MemoryPhase phase{.phase = name, .step = step, .flops = 2e9, .device_memory_bytes = 3e9};
  phase.steps = {{step, 2e9, 2.4e9}, {"sum_rows", 0, 0.6e9}};
  phase.tensors = std::move(tensors);
  for (record::MemoryTensor& tensor : phase.tensors) {
    tensor.bytes *= kMiB;
    phase.total_bytes += tensor.bytes;
  }
  return phase;
}

MemoryRow row_of(const char* variant, std::int64_t y_mib) {
  MemoryRow row{.variant = variant, .held_bytes = (16 + y_mib + 1) * kMiB};
  row.phases = {phase_of("forward", "down_proj",
                         {{"expert weights", "expert weights", 100},
                          {"x", "saved", 16},
                          {"y", "saved", y_mib},
                          {"row_tokens", "routing", 1},
                          {"out", "out, d_out, d_x", 16}}),
                phase_of("backward", "d_x_rows",
                         {{"expert weights", "expert weights", 100},
                          {"gradients", "gradients", 100},
                          {"optimizer states", "optimizer states", 200},
                          {"x", "saved", 16},
                          {"y", "saved", y_mib},
                          {"row_tokens", "routing", 1},
                          {"d_out", "out, d_out, d_x", 16},
                          {"d_x", "out, d_out, d_x", 16},
                          {"d_x_rows", "workspace", 32}})};
  row.fits = {{"pass", 4096, 1, 300 * kMiB, "backward", "d_x_rows", "y", 64 * kMiB},
              {"step", 0, 0, 900 * kMiB, "backward", "d_x_rows", "states", 900 * kMiB}};
  return row;
}

MemoryRun run_of() {
  MemoryRun run;
  run.id = "2026-11-23T04-12-07Z-7f3a";
  run.program = "memory_analysis";
  run.repeat_command = "memory_analysis";
  run.environment = {"cpu", "AMD EPYC", 2};
  run.environment.version = "0.1.0";
  run.model.name = "small";
  run.model.layer = {.hidden_dim = 1024, .ffn_dim = 4096, .num_experts = 8, .top_k = 2};
  run.mode = "forward_backward";
  run.baseline = "vanilla";
  run.optimizer = "adamw";
  run.target = "cpu AMD EPYC";
  run.target_remark = "predicted";
  run.capacity_bytes = 600 * kMiB;
  run.flops_per_s = 2e11;
  run.bytes_per_s = 4e10;
  run.rows = {row_of("vanilla", 64), row_of("sonic", 0)};
  run.rows[1].phases[0].tensors.erase(run.rows[1].phases[0].tensors.begin() + 2);
  run.rows[1].phases[1].tensors.erase(run.rows[1].phases[1].tensors.begin() + 4);
  return run;
}

TEST(MemoryFacts, PeakIsTheFullerPhaseAndPartsSumToIt) {
  const MemoryRun run = run_of();
  const MemoryPhase& peak = *peak_phase(run.rows[0]);
  EXPECT_EQ(peak.phase, "backward");
  EXPECT_EQ(part_bytes(peak, "saved"), 80 * kMiB);
  EXPECT_EQ(tensor_bytes(peak, "saved", "y"), 64 * kMiB);
  EXPECT_EQ(tensor_bytes(peak, "workspace", "y"), 0);
  EXPECT_EQ(find_row(run, "nobody"), nullptr);
  EXPECT_EQ(compared_row(run)->variant, "sonic");
}

TEST(MemoryFacts, SummaryKeepsWeightsOutOfActivations) {
  const MemoryRun run = run_of();
  const MemorySummary summary = summary_of(run.rows[0]);
  EXPECT_EQ(summary.activations, 81 * kMiB);
  EXPECT_EQ(summary.expert_weights, 100 * kMiB);
  EXPECT_EQ(summary.buffers, 64 * kMiB);
  EXPECT_EQ(summary.total() + 300 * kMiB, peak_phase(run.rows[0])->total_bytes);
}

TEST(MemoryScreen, OfCompositionListsPartsAndSavedTensors) {
  EXPECT_EQ(composition_text(run_of()),
            "at the peak, MiB     vanilla     sonic\n"
            "expert weights         100.0     100.0\n"
            "gradients              100.0     100.0\n"
            "optimizer states       200.0     200.0\n"
            "saved x                 16.0      16.0\n"
            "saved y                 64.0         -\n"
            "routing                  1.0       1.0\n"
            "out, d_out, d_x         32.0      32.0\n"
            "workspace               32.0      32.0\n"
            "PEAK                   545.0     481.0\n"
            "  in step           d_x_rows  d_x_rows\n"
            "saved for backward      81.0      17.0\n"
            "workspace  vanilla in d_x_rows: d_x_rows 32.0\n"
            "workspace  sonic in d_x_rows: d_x_rows 32.0\n");
}

TEST(MemoryScreen, OfSummaryNamesTheReduction) {
  EXPECT_THAT(summary_text(run_of()), HasSubstr("summary, MiB    vanilla  sonic  reduction\n"
                                                "activations        81.0   17.0     79.0 %\n"
                                                "expert weights    100.0  100.0      0.0 %\n"
                                                "buffers            64.0   64.0      0.0 %\n"
                                                "total             245.0  181.0     26.1 %\n"));
  MemoryRun alone = run_of();
  alone.rows.pop_back();
  EXPECT_EQ(summary_text(alone), "") << "nothing to compare with";
}

TEST(MemoryScreen, OfFitsSaysWhatIsNext) {
  const std::string text = fits_text(run_of());
  EXPECT_THAT(text, HasSubstr("backward d_x_rows, largest y 64.0 MiB"));
  EXPECT_THAT(text, HasSubstr("states alone: 900 MiB"));
  EXPECT_THAT(text, HasSubstr("1 x 4096"));
}

TEST(MemoryScreen, OfMeasurementsNamesTheRemainder) {
  MemoryRun run = run_of();
  EXPECT_EQ(measured_text(run), "") << "nothing was measured";
  run.rows[0].measured = record::MemoryReading{.saved_bytes = 65 * kMiB,
                                               .forward_workspace_bytes = 10 * kMiB,
                                               .workspace_bytes = 32 * kMiB,
                                               .allocated_bytes = 200 * kMiB,
                                               .device_bytes = 203 * kMiB,
                                               .executed_pairs = 8192,
                                               .seconds = 1};
  run.rows[1].not_measured = "this processor has no bfloat16";
  run.rows[1].rows = record::MemoryRowBounds{8000, 9000, 10 * kMiB, 12 * kMiB, 8064, 11 * kMiB};
  const std::string text = measured_text(run);
  EXPECT_THAT(text, HasSubstr("vanilla   65.0 MiB  65.0 MiB  +0.0 %   32.0 MiB  203 MiB  200 MiB  "
                              "3.00 MiB\n"));
  EXPECT_THAT(text, HasSubstr("sonic: this processor has no bfloat16\n"));
  EXPECT_THAT(text, HasSubstr("8,000 to 9,000 rows by the configuration"));
  EXPECT_THAT(text, HasSubstr("8,064 rows and 11.0 MiB with this routing"));
}

TEST(MemoryScreen, OfStrategiesSaysWhatIsMeasured) {
  MemoryRun run = run_of();
  EXPECT_EQ(strategies_text(run), "");
  run.strategies = {
      {.strategy = "chunk:4",
       .variant = "sonic",
       .basis = "measured",
       .remark = "again",
       .held_before = 17 * kMiB,
       .held_after = 17 * kMiB,
       .peak_before = 481 * kMiB,
       .peak_after = 457 * kMiB,
       .memory_bytes = 4e9,
       .seconds = 0.1,
       .measured_before = 60 * kMiB,
       .measured_after = 36 * kMiB,
       .measured_seconds = 0.125},
      {.strategy = "offload", .variant = "sonic", .basis = "modelled", .not_applicable = "no host"},
      {.strategy = "recompute-layer",
       .variant = "sonic",
       .basis = "modelled",
       .remark = "twice",
       .held_before = 17 * kMiB,
       .held_after = 16 * kMiB,
       .flops = 2e12,
       .seconds = 10}};
  const std::string text = strategies_text(run);
  EXPECT_THAT(text, HasSubstr("-24.0 MiB"));
  EXPECT_THAT(text, HasSubstr("measured: -24.0 MiB, +125 ms"));
  EXPECT_THAT(text, HasSubstr("no: no host"));
  EXPECT_THAT(text, HasSubstr("+2.00 TFLOP"));
  EXPECT_THAT(text, HasSubstr("modelled"));
}

TEST(MemoryScreen, OfStepsHasBytesAndTheCommandThatCountsThem) {
  MemoryRun run = run_of();
  const std::string text = steps_text(run);
  EXPECT_THAT(
      text,
      HasSubstr(
          "variant  phase     step       device memory traffic  of phase        FLOP  FLOP/B\n"
          "vanilla  forward   down_proj                2.40 GB    80.0 %  2.00 GFLOP       1\n"
          "vanilla  forward   sum_rows                  600 MB    20.0 %           -       -\n"));
  EXPECT_THAT(text, HasSubstr("dram__bytes_read.sum,dram__bytes_write.sum"));
  EXPECT_THAT(text, HasSubstr("--config small --device cuda --variants sonic --profile"));
  EXPECT_THAT(memory_screen(run, true), HasSubstr(text));
  EXPECT_THAT(memory_screen(run, false), Not(HasSubstr("sum_rows")));
  for (MemoryRow& row : run.rows) {
    for (MemoryPhase& phase : row.phases) phase.steps.clear();
  }
  EXPECT_EQ(steps_text(run), "this run was saved without its steps\n") << "by an older version";
}

TEST(StepsCsv, HasPlainNumbers) {
  EXPECT_THAT(steps_csv(run_of()), HasSubstr("variant,phase,step,flops,device_memory_bytes\n"
                                             "vanilla,forward,down_proj,2000000000,2400000000\n"));
}

TEST(MemoryCsv, HasEveryTensorOfEveryPhase) {
  const std::string text = memory_csv(run_of());
  EXPECT_THAT(text, HasSubstr("variant,phase,step,part,tensor,bytes\n"));
  EXPECT_THAT(text, HasSubstr("vanilla,backward,d_x_rows,workspace,d_x_rows,33554432\n"));
  EXPECT_THAT(text, HasSubstr("sonic,forward,down_proj,saved,x,16777216\n"));
  EXPECT_THAT(text, Not(HasSubstr("sonic,forward,down_proj,saved,y")));
}

TEST(MemoryPlot, StacksSegmentsUpToTheTotalAndDrawsTheCapacity) {
  const PlotSource plot = memory_plot(run_of());
  EXPECT_EQ(plot.name, "memory_breakdown");
  EXPECT_THAT(plot.data, HasSubstr("0 0 104857600 0x4a5561 vanilla 'weights'\n"));
  EXPECT_THAT(plot.data, HasSubstr("1 503316480 504365056"));  // ends where sonic's peak does
  EXPECT_THAT(plot.script, HasSubstr("'capacity 600 MiB'"));
  EXPECT_THAT(plot.script, HasSubstr("'545 MiB'"));
  EXPECT_THAT(plot.script, HasSubstr("set arrow from 600, graph 0"));
  MemoryRun roomy = run_of();
  roomy.capacity_bytes = 80'000 * kMiB;
  EXPECT_THAT(memory_plot(roomy).script, HasSubstr("lies beyond this axis"));
}

TEST(PublishedMemoryText, NamesTheOneBarThatDiffers) {
  std::vector<ModelConfig> shapes(1);
  shapes[0].name = "sonic-30b-n256";
  shapes[0].layer = {.hidden_dim = 4096, .ffn_dim = 256, .num_experts = 256, .top_k = 16};
  shapes[0].seq_len = 32768;
  const std::string text = published_memory_text(shapes);
  EXPECT_THAT(text, HasSubstr("DIFFERS"));
  EXPECT_THAT(text, HasSubstr("3 of 4 bars agree"));
  EXPECT_THAT(text, HasSubstr("X + out + H + weights"));
}

}  // namespace
}  // namespace moe::report
