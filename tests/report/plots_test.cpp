// Pictures: drawn by the real gnuplot where there is one, at the right size and not blank.
#include "report/plot/plots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <set>

#include "moe/error.h"
#include "record/files.h"
#include "record/scratch_folder.h"
#include "report/fixture.h"
#include "report/plot/gnuplot.h"
#include "report/plot/style.h"

namespace moe::report {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

/// Sets PATH for one test.
class PathVariable {
 public:
  explicit PathVariable(const std::string& value) : old_(::getenv("PATH")) {
    ::setenv("PATH", value.c_str(), 1);
  }
  ~PathVariable() { ::setenv("PATH", old_.c_str(), 1); }

 private:
  std::string old_;
};

bool has_gnuplot() {
  const record::ScratchFolder folder;
  record::write_file(folder.path() / "try.gp",
                     "set terminal pngcairo\nset output picture\nplot 1\n");
  return !run_gnuplot(folder.path(), "try.gp", "a.png");
}

#define SKIP_WITHOUT_GNUPLOT() \
  if (!has_gnuplot()) GTEST_SKIP() << "gnuplot with pngcairo is not installed (gnuplot-nox)"

int big_endian(const std::string& bytes, std::size_t at) {
  int value = 0;
  for (std::size_t i = at; i < at + 4; ++i)
    value = value * 256 + static_cast<unsigned char>(bytes[i]);
  return value;
}

/// Signature and IHDR say 1200 x 700; a blank picture of that size compresses to some 5 kB of few
/// values.
void expect_picture(const fs::path& path) {
  const std::string png = record::read_file(path);
  ASSERT_GT(png.size(), 12000u) << path;
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(png.substr(12, 4), "IHDR");
  EXPECT_EQ(big_endian(png, 16), kPlotWidth);
  EXPECT_EQ(big_endian(png, 20), kPlotHeight);
}

std::string draw_and_read(const record::Run& run, const std::string& name) {
  const record::ScratchFolder folder;
  const DrawnPlots drawn = draw_plots(run, folder.path() / "run", folder.path());
  EXPECT_EQ(drawn.problem, "");
  return record::read_file(folder.path() / name);
}

TEST(Plots, DrawsBothPicturesAndKeepsTheirSources) {
  SKIP_WITHOUT_GNUPLOT();
  const record::ScratchFolder folder;
  const fs::path run_folder = folder.path() / "runs" / "id";
  const DrawnPlots drawn = draw_plots(small_run(), run_folder, folder.path());
  EXPECT_EQ(drawn.problem, "");
  ASSERT_EQ(drawn.pictures.size(), 2u);
  for (const char* name : {"latency_comparison", "expert_load_distribution"}) {
    expect_picture(folder.path() / (std::string(name) + ".png"));
    expect_picture(run_folder / (std::string(name) + ".png"));
    EXPECT_TRUE(fs::exists(run_folder / "plot" / (std::string(name) + ".gp")));
    EXPECT_TRUE(fs::exists(run_folder / "plot" / (std::string(name) + ".dat")));
  }
}

TEST(Plots, ThePictureShowsTheData) {
  SKIP_WITHOUT_GNUPLOT();
  record::Run even = small_run();
  for (record::Row& row : even.rows) row.load->utilization.assign(8, 1.0);
  const char* name = "expert_load_distribution.png";
  EXPECT_NE(draw_and_read(even, name), draw_and_read(small_run(), name));
  record::Run slower = small_run();
  slower.rows[0] = row_of("vanilla", 2.6, 3.2, 520);
  EXPECT_NE(draw_and_read(slower, "latency_comparison.png"),
            draw_and_read(small_run(), "latency_comparison.png"));
}

TEST(Plots, AwkwardRunsAreDrawn) {
  SKIP_WITHOUT_GNUPLOT();
  record::Run failed = small_run();
  fail(failed.rows[0]);
  skip(failed.rows[1]);
  failed.flops_per_pass = 0;  // no floor
  record::Run few = small_run();
  few.rows[3].total = timing_of(3.7, 1);
  record::Run nothing = small_run();
  for (record::Row& row : nothing.rows) fail(row);
  record::Run many = small_run();
  for (record::Row& row : many.rows) {
    row.load->utilization.assign(256, 0.5);
    row.load->utilization[7] = 128.5;
    row.load->utilization[8] = 0;
  }
  record::Run odd = forward_run();
  odd.model.name = "it's `id` @x {a}_b^c \"q\" \\n";
  odd.environment.device_name = std::string(300, 'x');
  for (const record::Run& run : {failed, few, nothing, many, odd}) {
    const record::ScratchFolder folder;
    const DrawnPlots drawn = draw_plots(run, folder.path() / "run", folder.path());
    EXPECT_EQ(drawn.problem, "");
    expect_picture(folder.path() / "latency_comparison.png");
  }
}

TEST(Plots, MissingGnuplotIsAProblemThatKeepsTheSources) {
  const record::ScratchFolder folder;
  const PathVariable path(folder.path());
  const DrawnPlots drawn = draw_plots(small_run(), folder.path() / "run", folder.path());
  EXPECT_EQ(drawn.problem, "gnuplot not found");
  EXPECT_TRUE(drawn.pictures.empty());
  EXPECT_TRUE(fs::exists(folder.path() / "run" / "plot" / "latency_comparison.gp"));
}

TEST(Plots, AFailingScriptIsReportedInGnuplotsWords) {
  SKIP_WITHOUT_GNUPLOT();
  const record::ScratchFolder folder;
  record::write_file(folder.path() / "bad.gp", "plot 'absent.dat'\n");
  const auto problem = run_gnuplot(folder.path(), "bad.gp", "bad.png");
  ASSERT_TRUE(problem.has_value());
  EXPECT_THAT(*problem, HasSubstr("gnuplot failed"));
  EXPECT_THAT(*problem, HasSubstr("absent.dat"));
}

TEST(Plots, AnOldPictureDoesNotPassForANewOne) {
  SKIP_WITHOUT_GNUPLOT();
  const record::ScratchFolder folder;
  record::write_file(folder.path() / "a.png", "old");
  record::write_file(folder.path() / "silent.gp", "x = 1\n");
  const auto problem = run_gnuplot(folder.path(), "silent.gp", "a.png");
  ASSERT_TRUE(problem.has_value());
  EXPECT_THAT(*problem, HasSubstr("drew nothing"));
}

TEST(Plots, SourcesHoldColorsAndSeconds) {
  const PlotSource source = latency_plot(small_run());
  EXPECT_THAT(source.data, HasSubstr("3 1.25 3.7 3.663 3.737 0xd55e00 0xeaaf80 sonic\n"));
  EXPECT_THAT(source.script, HasSubstr("run 2026-11-23T04-12-07Z-7f3a   commit 1a2b3c4"));
}

TEST(Plots, PartsOfABarAreLabelledOnlyWhereThereIsRoom) {
  record::Run run = small_run();
  run.rows.resize(1);
  EXPECT_THAT(latency_plot(run).script, HasSubstr("set label '1.60 s' at 0.8,0 center"));
  run.rows[0] = row_of("vanilla", 0.2, 4.6, 520);
  EXPECT_THAT(latency_plot(run).script, Not(HasSubstr("'0.20 s'")));
}

TEST(Plots, SingleSamplesAreListedWhereNoiseIsUnknown) {
  record::Run run = small_run();
  EXPECT_THAT(latency_plot(run).script, Not(HasSubstr("index 2")));
  run.rows[3].total = timing_of(3.7, 1);
  EXPECT_THAT(latency_plot(run).script, HasSubstr("index 2"));
  EXPECT_THAT(latency_plot(run).data, HasSubstr("# row  sample_s\n3 3.7\n"));
}

TEST(Plots, NoLoadNoPicture) {
  record::Run run = small_run();
  for (record::Row& row : run.rows) skip(row);
  EXPECT_FALSE(load_plot(run).has_value());
}

}  // namespace
}  // namespace moe::report
