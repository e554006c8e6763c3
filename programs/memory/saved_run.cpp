// Finding, reading and drawing.
#include "memory/saved_run.h"

#include "record/files.h"
#include "record/json.h"
#include "record/store.h"
#include "report/plot_memory.h"

namespace moe::programs {

std::filesystem::path memory_folder(const std::filesystem::path& out) {
  return out / "memory";
}

record::MemoryRun load_memory_run(const std::filesystem::path& out, const std::string& name,
                                  std::filesystem::path* folder) {
  const std::filesystem::path found = record::find_run(memory_folder(out), name);
  if (folder != nullptr) *folder = found;
  const std::filesystem::path file = found / "run.json";
  return record::memory_run_from_json(record::read_file(file), file.string());
}

report::DrawnPlots draw_memory_plot(const record::MemoryRun& run,
                                    const std::filesystem::path& folder,
                                    const std::filesystem::path& out) {
  return report::draw_sources({report::memory_plot(run)}, folder, out);
}

}  // namespace moe::programs
