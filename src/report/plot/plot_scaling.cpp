// throughput_scaling: two panels over a common logarithmic axis of GPUs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/plot/gnuplot.h"
#include "report/text/format.h"
#include "report/throughput/throughput_files.h"

namespace moe::report {
namespace {

using model::EstimateRow;
using model::Origin;

constexpr const char* kModel = "#d55e00";
constexpr const char* kPublished = "#0072b2";
constexpr const char* kMeasured = "#00744c";

struct Ends {
  double low = INFINITY, high = 0;
  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

std::vector<EstimateRow> fitting_rows(const model::Estimate& estimate) {
  std::vector<EstimateRow> rows;
  for (const EstimateRow& row : estimate.scaling) {
    if (row.fits) rows.push_back(row);
  }
  return rows;
}

/// Tokens per second and GPU.
double best_rate(const std::vector<EstimateRow>& rows) {
  double best = 0;
  for (const EstimateRow& row : rows) best = std::max(best, row.base);
  return best;
}

std::vector<SolidPoint> points_of(const std::vector<SolidPoint>& points, Origin origin) {
  std::vector<SolidPoint> found;
  for (const SolidPoint& point : points) {
    if (point.origin == origin) found.push_back(point);
  }
  return found;
}

/// A block of the data; none without points, because gnuplot does not count an empty one.
std::string points_text(const std::vector<SolidPoint>& points, Origin origin) {
  std::string text;
  for (const SolidPoint& point : points_of(points, origin)) {
    text += fmt::format("{} {:.6g} \"{}\"\n", point.gpus, point.tokens_per_s, point.name);
  }
  if (text.empty()) return "";
  return fmt::format("\n\n# gpus tokens_per_s name, {}\n", name_of(origin)) + text;
}

/// index 0: GPUs, tokens/s low, base, high, efficiency; 1: the ideal line; then published points,
/// then measured ones, where there are any.
std::string data_text(const std::vector<EstimateRow>& rows, const std::vector<SolidPoint>& solid) {
  const double best = best_rate(rows);
  std::string text = "# gpus tokens_per_s_low tokens_per_s tokens_per_s_high efficiency\n";
  for (const EstimateRow& row : rows) {
    const double gpus = static_cast<double>(row.gpus);
    text += fmt::format("{} {:.6g} {:.6g} {:.6g} {:.6g}\n", row.gpus, row.low * gpus,
                        row.base * gpus, row.high * gpus, row.base / best);
  }
  text += "\n\n# gpus tokens_per_s, as the best per GPU\n";
  for (const EstimateRow& row : {rows.front(), rows.back()}) {
    text += fmt::format("{} {:.6g}\n", row.gpus, best * static_cast<double>(row.gpus));
  }
  return text + points_text(solid, Origin::published) + points_text(solid, Origin::measured);
}

/// Powers of two on the axis, with or without their numbers.
std::string axis_text(const Ends& gpus, bool has_numbers) {
  std::string ticks;
  for (std::int64_t count = 1; count <= 16'384; count *= 2) {
    if (static_cast<double>(count) < gpus.low || static_cast<double>(count) > gpus.high) continue;
    ticks += (ticks.empty() ? "" : ", ") +
             quoted(has_numbers ? format_integer(count) : std::string()) + " " +
             std::to_string(count);
  }
  return fmt::format("set xtics nomirror out scale 0.5 font ',10' tc rgb '{}' ({})\n", kFaint,
                     ticks);
}

std::string legend_text(const EstimateRow& row, const std::vector<SolidPoint>& solid) {
  Legend legend(0.08, 0.808);
  legend.add_circle(kModel, "modelled, " + row.variant);
  legend.add_whisker(kModel, "low .. high of every factor");
  legend.add_dashes(kInk, "ideal: each GPU as at the best point");
  if (!points_of(solid, Origin::published).empty()) legend.add_box(kPublished, "published");
  if (!points_of(solid, Origin::measured).empty()) legend.add_box(kMeasured, "measured");
  return legend.script();
}

std::string look_text(const Ends& gpus) {
  return fmt::format(
      "set multiplot\nunset key\nset border 3 lc rgb '{0}'\n"
      "set grid xtics ytics back lt 1 lw 1 lc rgb '{1}'\n"
      "set ytics nomirror out scale 0.5 font ',10' tc rgb '{0}'\n"
      "set logscale x 2\nset xrange [{2:.6g}:{3:.6g}]\n"
      "set lmargin at screen 0.08\nset rmargin at screen 0.97\n"
      "data = 'throughput_scaling.dat'\n",
      kFaint, kGrid, gpus.low / 1.3, gpus.high * 1.3);
}

/// Points of one block of the data with their names; empty without points.
std::string solid_layers(const std::vector<SolidPoint>& solid, Origin origin, int index,
                         const char* color, int shape) {
  if (points_of(solid, origin).empty()) return "";
  return fmt::format(
      ", \\\n     data index {0} using 1:2 with points pt {1} ps 1.5 lc rgb '{2}', \\\n"
      "     data index {0} using 1:2:3 with labels offset 1.2,-0.9 left font ',9' tc rgb '{2}'",
      index, shape, color);
}

std::string rate_panel(const Ends& gpus, const Ends& rates, const std::vector<SolidPoint>& solid) {
  constexpr int kSquare = 5, kDisc = 7;  // of gnuplot
  std::string text = axis_text(gpus, false);
  text += fmt::format(
      "set tmargin at screen 0.775\nset bmargin at screen 0.40\n"
      "set logscale y 10\nset yrange [{0:.6g}:{1:.6g}]\nset format y '%.0s %c'\n"
      "set ylabel 'tokens/s, all GPUs' font ',11' tc rgb '{2}'\n"
      "plot data index 1 using 1:2 with lines dt (12,8) lw 1.3 lc rgb '{3}', \\\n"
      "     data index 0 using 1:3 with lines lw 1.2 lc rgb '{4}', \\\n"
      "     data index 0 using 1:3:2:4 with yerrorbars pt 6 ps 1.4 lw 1.4 lc rgb '{4}'",
      rates.low / 3, rates.high * 2, kFaint, kInk, kModel);
  const int measured = points_of(solid, Origin::published).empty() ? 2 : 3;
  return text + solid_layers(solid, Origin::published, 2, kPublished, kSquare) +
         solid_layers(solid, Origin::measured, measured, kMeasured, kDisc) + "\n";
}

/// Percentages beside the points that meet `condition`, so that none lies on the ideal line or the
/// axis.
std::string efficiency_labels(const char* condition, double rise) {
  return fmt::format(
      ", \\\n     data index 0 using 1:({} ? $5 : NaN):(sprintf('%.0f %%', 100*$5)) with labels "
      "offset 0,{} font ',9' tc rgb '{}'",
      condition, rise, kInk);
}

std::string efficiency_panel(const Ends& gpus) {
  return axis_text(gpus, true) +
         fmt::format(
             "set tmargin at screen 0.36\nset bmargin at screen 0.13\nunset logscale y\n"
             "set yrange [0:1.24]\nset ytics 0.25\nset format y '%.2f'\n"
             "set ylabel 'efficiency' font ',11' tc rgb '{0}'\n"
             "set xlabel 'GPUs' font ',11' tc rgb '{0}'\n"
             "plot 1 with lines dt (12,8) lw 1.3 lc rgb '{1}', \\\n"
             "     data index 0 using 1:5 with linespoints pt 6 ps 1.2 lw 1.3 lc rgb '{2}'",
             kFaint, kInk, kModel) +
         efficiency_labels("$5 >= 0.5", -1) + efficiency_labels("$5 < 0.5", 1) +
         "\nunset multiplot\n";
}

}  // namespace

std::optional<PlotSource> scaling_plot(const Frame& frame, const model::Estimate& estimate,
                                       const std::vector<SolidPoint>& solid) {
  const std::vector<EstimateRow> rows = fitting_rows(estimate);
  if (rows.empty()) return std::nullopt;
  Ends gpus, rates;
  for (const EstimateRow& row : rows) {
    const double count = static_cast<double>(row.gpus);
    gpus.include(count);
    rates.include(row.low * count);
    rates.include(row.high * count);
  }
  rates.include(best_rate(rows) * gpus.high);  // where the ideal line ends
  for (const SolidPoint& point : solid) {
    gpus.include(static_cast<double>(point.gpus));
    rates.include(point.tokens_per_s);
  }
  PlotSource source;
  source.name = "throughput_scaling";
  source.data = data_text(rows, solid);
  source.script = plot_frame(frame, source.name) + legend_text(rows.front(), solid) +
                  look_text(gpus) + rate_panel(gpus, rates, solid) + efficiency_panel(gpus);
  return source;
}

}  // namespace moe::report
