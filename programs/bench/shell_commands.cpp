// The table comes from the same definitions that parse; what no table knows stands here.
#include "bench/shell_commands.h"

#include <CLI/CLI.hpp>

#include "bench/options.h"
#include "bench/run_flags.h"
#include "cli/choice.h"
#include "cli/command_table.h"
#include "cli/completion.h"
#include "cli/man_page.h"
#include "config/presets.h"
#include "measure/variant_choice.h"
#include "version.h"

namespace moe::programs {
namespace {

ProgramEntry bench_program() {
  CLI::App app;
  RawFlags raw;
  BenchOptions options;
  define_bench(app, raw, options);
  return describe_program(app);
}

ValueWords bench_words() {
  ValueWords words;
  for (const ModelConfig& model : config::presets()) words["CONFIG"].push_back(model.name);
  words["VARIANTS"] = measure::known_labels(DeviceKind::cpu);
  words["TOPIC"] = {"configs", "variants", "devices", "routings"};
  return words;
}

const std::vector<ManualSection>& manual_sections() {
  static const std::vector<ManualSection> sections = {
      {"FILES",
       {{"results/runs/ID/run.json", "the whole run; schema: docs/schema/run.schema.json"},
        {"results/runs/ID/points.jsonl", "each row as soon as it is finished"},
        {"results/*.png", "pictures of the latest run"}}},
      {"ENVIRONMENT",
       {{"OMP_NUM_THREADS", "CPU threads, when --threads is 0 or absent"},
        {"NO_COLOR", "no colour with --color auto"},
        {"CLICOLOR_FORCE", "colour without a terminal, unless 0"}}},
      {"EXIT STATUS",
       {{"0", "everything asked for was produced"},
        {"1", "a check failed, or no row ran"},
        {"2", "bad usage: flag, name, file or shape"},
        {"3", "the device is not there or not able; out of memory outside of a row"},
        {"4", "a regression beyond --fail-on-regression"},
        {"5", "--strict and a row was skipped"},
        {"6", "results could not be written"},
        {"130, 143", "interrupted; finished rows are saved"}}}};
  return sections;
}

}  // namespace

std::string completion_text(const std::string& shell) {
  using Writer = std::string (*)(const ProgramEntry&, const ValueWords&);
  const auto write = parse_choice<Writer>("completion", shell,
                                          {{"bash", bash_completion}, {"zsh", zsh_completion}});
  return write(bench_program(), bench_words());
}

std::string manual_text() {
  return man_page(bench_program(), kVersionText, manual_sections());
}

}  // namespace moe::programs
