// From plot sources to pictures on disk.
#include "report/plot/plots.h"

#include "moe/error.h"
#include "record/files.h"
#include "report/plot/gnuplot.h"

namespace moe::report {
namespace {

namespace fs = std::filesystem;

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(ErrorKind::output, "cannot make " + folder.string(), error.message());
}

void copy_over(const fs::path& from, const fs::path& to) {
  record::write_file(to, record::read_file(from));
}

std::vector<PlotSource> sources_of(const record::Run& run) {
  if (!run.points.empty()) return sweep_plots(run);
  std::vector<PlotSource> sources{latency_plot(run)};
  if (auto load = load_plot(run)) sources.push_back(std::move(*load));
  return sources;
}

}  // namespace

DrawnPlots draw_sources(const std::vector<PlotSource>& sources, const fs::path& run_folder,
                        const fs::path& out) {
  const fs::path folder = run_folder / "plot";
  make_folder(folder);
  make_folder(out);
  DrawnPlots drawn;
  for (const PlotSource& source : sources) {
    record::write_file(folder / (source.name + ".dat"), source.data);
    record::write_file(folder / (source.name + ".gp"), source.script);
    const std::string picture = source.name + ".png";
    if (const auto problem = run_gnuplot(folder, source.name + ".gp", "../" + picture)) {
      drawn.problem = *problem;
      continue;
    }
    copy_over(run_folder / picture, out / picture);
    drawn.pictures.push_back(out / picture);
  }
  return drawn;
}

DrawnPlots draw_plots(const record::Run& run, const fs::path& run_folder, const fs::path& out) {
  return draw_sources(sources_of(run), run_folder, out);
}

}  // namespace moe::report
