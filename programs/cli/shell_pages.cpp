// The table comes from the same definitions that parse, so pages cannot differ from the program.
#include "cli/shell_pages.h"

#include "cli/choice.h"
#include "config/presets.h"
#include "measure/problem/variant_choice.h"
#include "version.h"

namespace moe::programs {

ValueWords usual_words() {
  ValueWords words;
  for (const ModelConfig& model : config::presets()) words["CONFIG"].push_back(model.name);
  words["VARIANTS"] = measure::known_labels(DeviceKind::cpu);
  return words;
}

ManualSection usual_environment() {
  return {"ENVIRONMENT",
          {{"OMP_NUM_THREADS", "CPU threads, unless --threads says another number"},
           {"PATH", "where gnuplot is looked up; without it pictures are left out"}}};
}

std::string completion_script(const ShellPages& pages, const std::string& shell) {
  using Writer = std::string (*)(const ProgramEntry&, const ValueWords&);
  const auto write = parse_choice<Writer>("completion", shell,
                                          {{"bash", bash_completion}, {"zsh", zsh_completion}});
  return write(pages.program, pages.words);
}

std::string manual_page(const ShellPages& pages) {
  return man_page(pages.program, kVersionText, pages.sections);
}

}  // namespace moe::programs
