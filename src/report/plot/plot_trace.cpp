// expert_load_by_layer: what each expert of each layer got of its fair share, as a heat map, and
// beside it the busiest expert of each layer, which is what a layer waits for.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/bench/trace_text.h"
#include "report/plot/gnuplot.h"
#include "report/plot/load_colors.h"
#include "report/plot/plots.h"
#include "report/plot/style.h"

namespace moe::report {
namespace {

using record::TraceSummary;

constexpr const char* kName = "expert_load_by_layer";
constexpr double kLeft = 0.075, kRight = 0.66, kTop = 0.79;  // of the map, on the screen
constexpr double kBusiestLeft = 0.69, kBusiestRight = 0.87;  // of the panel beside it
constexpr double kBar = 0.915;                               // left edge of the colour bar
constexpr double kTallestRow = 0.09, kLowestBottom = 0.13;

double bottom_of(const TraceSummary& trace) {
  const auto layers = static_cast<double>(trace.layers.size());
  return std::max(kLowestBottom, kTop - kTallestRow * layers);
}

double largest_deviation(const TraceSummary& trace) {
  double deviation = 0;
  for (const record::Load& layer : trace.layers) {
    for (double load : layer.utilization) deviation = std::max(deviation, std::abs(load - 1));
  }
  return deviation;
}

std::string data_text(const TraceSummary& trace) {
  std::string text = "# layer  expert  load_over_mean\n";
  for (std::size_t layer = 0; layer < trace.layers.size(); ++layer) {
    const std::vector<double>& loads = trace.layers[layer].utilization;
    for (std::size_t expert = 0; expert < loads.size(); ++expert) {
      text += fmt::format("{} {} {:.6g}\n", layer, expert, loads[expert]);
    }
  }
  text += "\n\n# layer  max_over_mean\n";
  for (std::size_t layer = 0; layer < trace.layers.size(); ++layer) {
    text += fmt::format("{} {:.6g}\n", layer, trace.layers[layer].max_over_mean);
  }
  return text;
}

std::string heading(double x, const char* text) {
  return fmt::format("set label {} at screen {},{} left front font 'DejaVu Sans,10' tc rgb '{}'\n",
                     quoted(text), x, kTop + 0.025, kFaint);
}

std::string map_text(const TraceSummary& trace) {
  const auto layers = static_cast<long>(trace.layers.size());
  const double bottom = bottom_of(trace);
  const double half_height = layers <= 32 ? 0.47 : 0.5;  // no gaps where rows are thin
  return load_color_text(load_color_span(largest_deviation(trace))) +
         heading(kLeft, "load / mean of each expert") + heading(kBar, "load / mean") +
         heading(kBusiestLeft, "busiest expert, load / mean") +
         fmt::format(
             "set lmargin at screen {0}\nset rmargin at screen {1}\n"
             "set tmargin at screen {2}\nset bmargin at screen {3:.4g}\n"
             "set colorbox vertical user origin {4},{3:.4g} size 0.014,{5:.4g} noborder\n"
             "unset key\nset border 0\nset xrange [-0.5:{6}]\nset yrange [{7}:-0.5]\n"
             "set xtics 0,{8} nomirror scale 0 font ',10' tc rgb '{10}' offset 0,0.3\n"
             "set ytics 0,{9} nomirror scale 0 font ',10' tc rgb '{10}' offset 0.6,0\n"
             "set xlabel 'expert' font ',10' tc rgb '{10}' offset 0,0.8\n"
             "set ylabel 'layer' font ',10' tc rgb '{10}' offset 1.6,0\n"
             "plot '{11}.dat' index 0 using 2:1:($2-0.5):($2+0.5):($1-{12}):($1+{12}):3 with "
             "boxxyerror fs solid 1 noborder lc palette\n",
             kLeft, kRight, kTop, bottom, kBar, kTop - bottom,
             static_cast<double>(trace.num_experts) - 0.5, static_cast<double>(layers) - 0.5,
             tick_step(static_cast<long>(trace.num_experts)), tick_step(layers), kFaint, kName,
             half_height);
}

/// A round step that divides `range` into three to seven parts.
double round_step(double range) {
  const double power = std::pow(10, std::floor(std::log10(range / 3)));
  for (double digit : {5.0, 2.0}) {
    if (range / (digit * power) >= 3) return digit * power;
  }
  return power;
}

/// One line per layer from the fair share to its busiest expert.
std::string busiest_text(const TraceSummary& trace) {
  double busiest = 1;
  for (const record::Load& load : trace.layers) busiest = std::max(busiest, load.max_over_mean);
  return fmt::format(
      "unset label\nunset colorbox\nunset ylabel\nunset ytics\nunset xlabel\n"
      "set lmargin at screen {0}\nset rmargin at screen {1}\n"
      "set xrange [1:{2:.3g}]\nset xtics {7:.3g} format '%.3g' out scale 0.5 offset 0,0.2\n"
      "set border 3 lc rgb '{3}'\nset grid xtics back lt 1 lw 1 lc rgb '{4}'\n"
      "plot '{6}.dat' index 1 using (1):1:($2-1):(0) with vectors nohead lw 2 lc rgb '{4}', \\\n"
      "     '' index 1 using 2:1 with points pt 7 ps 0.9 lc rgb '{5}'\n",
      kBusiestLeft, kBusiestRight, 1 + 1.08 * std::max(busiest - 1, 0.01), kFaint, kGrid, "#b2182b",
      kName, round_step(std::max(busiest - 1, 0.01)));
}

}  // namespace

PlotSource trace_plot(const TraceSummary& trace) {
  const std::string frame = plot_frame({.title = "Load of each expert by layer: " + trace.file,
                                        .shape = trace_shape_text(trace),
                                        .device = shortened(trace.origin, 120),
                                        .origin = "trace " + trace.file + "   " + trace.hash},
                                       kName);
  return {.name = kName,
          .script = frame + "set multiplot\n" + map_text(trace) + busiest_text(trace) +
                    "unset multiplot\n",
          .data = data_text(trace)};
}

}  // namespace moe::report
