// expert_load_distribution: what each expert got of its fair share. Above, a heat map with one row
// per routing (a layer has one natural routing and perhaps a rounded one); below, the same loads
// sorted, where imbalance shows as a slope.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/bench/row_facts.h"
#include "report/plot/gnuplot.h"
#include "report/plot/load_colors.h"
#include "report/plot/plots.h"
#include "report/plot/style.h"
#include "report/text/format.h"

namespace moe::report {
namespace {

using record::Run;
using Groups = std::vector<RoutingGroup>;

constexpr double kLeft = 0.195, kRight = 0.80, kTop = 0.80;  // of the panels, on the screen
constexpr double kBar = 0.915;                               // left edge of the colour bar
constexpr std::size_t kMostRows = 4;

const char* curve_color(std::size_t index) {
  constexpr const char* kColors[kMostRows] = {"#3f4d5a", "#d55e00", "#0072b2", "#009e73"};
  return kColors[index];
}

std::string title_of(const RoutingGroup& group, std::size_t count) {
  if (group.rounding != nullptr) {
    return fmt::format("rounded to {} ({})", group.rounding->tile, group.rounding->rule);
  }
  return count > 1 ? "before rounding" : "as routed";
}

double color_span(const Groups& groups) {
  double deviation = 0;
  for (const RoutingGroup& group : groups) {
    for (double load : group.load->utilization) deviation = std::max(deviation, std::abs(load - 1));
  }
  return load_color_span(deviation);
}

/// Two blocks per routing: loads by expert, and the corners of the sorted curve.
std::string data_text(const Groups& groups) {
  std::string text;
  for (std::size_t row = 0; row < groups.size(); ++row) {
    const std::vector<double>& loads = groups[row].load->utilization;
    std::vector<double> sorted = loads;
    std::sort(sorted.rbegin(), sorted.rend());
    text +=
        fmt::format("# {}\n# row  expert  load_over_mean\n", title_of(groups[row], groups.size()));
    for (std::size_t expert = 0; expert < loads.size(); ++expert) {
      text += fmt::format("{} {} {:.9g}\n", row, expert, loads[expert]);
    }
    text += "\n\n# rank  load_over_mean\n";
    sorted.push_back(sorted.back());  // the last step ends at the right edge of its rank
    for (std::size_t rank = 0; rank < sorted.size(); ++rank) {
      text += fmt::format("{} {}\n", static_cast<double>(rank) + 0.5, sorted[rank]);
    }
    text += "\n\n";
  }
  return text;
}

/// Height of the heat map: rows of equal height, fewer rows make a lower map.
double map_bottom(const Groups& groups) {
  return kTop - std::min(0.14 * static_cast<double>(groups.size()), 0.36);
}

std::string screen_label(double x, double y, const char* align, const std::string& text,
                         const std::string& font, const char* color) {
  return fmt::format(
      "set label {} at screen {:.4g},{:.4g} {} front font 'DejaVu Sans{}' tc rgb '{}'\n",
      quoted(text), x, y, align, font, color);
}

/// Left of each row: its routing and the variants that ran with it; right of it: its figures.
std::string row_labels(const Groups& groups) {
  const double height = (kTop - map_bottom(groups)) / static_cast<double>(groups.size());
  std::string text;
  for (std::size_t row = 0; row < groups.size(); ++row) {
    const RoutingGroup& group = groups[row];
    const double middle = kTop - height * (static_cast<double>(row) + 0.5);
    constexpr double kLine = 0.023;
    double y =
        middle + kLine * 0.5 * static_cast<double>(std::min<std::size_t>(group.variants.size(), 3));
    text += screen_label(kLeft - 0.01, y, "right", title_of(group, groups.size()), ",11", kInk);
    for (std::size_t i = 0; i < std::min<std::size_t>(group.variants.size(), 3); ++i) {
      y -= kLine;
      const bool is_cut = i == 2 && group.variants.size() > 3;
      text += screen_label(kLeft - 0.01, y, "right",
                           is_cut ? "..." : shortened(group.variants[i], 26), ",9", kFaint);
    }
    text += screen_label(kRight + 0.012, middle + 0.014, "left",
                         fmt::format("max/mean {:.2f}", group.load->max_over_mean), ",10", kInk);
    text += screen_label(kRight + 0.012, middle - 0.014, "left",
                         fmt::format("CV {:.3f}", group.load->cv), ",10", kFaint);
  }
  return text;
}

/// The load in each cell, while there is room: white on strong colours.
std::string cell_labels(const Groups& groups, double span) {
  std::string text;
  for (std::size_t row = 0; row < groups.size(); ++row) {
    const std::vector<double>& loads = groups[row].load->utilization;
    if (loads.size() > 16) return "";
    for (std::size_t expert = 0; expert < loads.size(); ++expert) {
      const bool is_strong = std::abs(loads[expert] - 1) > 0.75 * span;
      text += fmt::format("set label '{:.2f}' at {},{} center front font ',{}' tc rgb '{}'\n",
                          loads[expert], expert, row, loads.size() > 8 ? 9 : 11,
                          is_strong ? "#ffffff" : kInk);
    }
  }
  return text;
}

std::string color_text(double span) {
  return load_color_text(span) +
         screen_label(kBar, kTop + 0.025, "left", "load / mean", ",10", kFaint);
}

std::string map_text(const Groups& groups, double span) {
  const auto num_experts = static_cast<std::int64_t>(groups[0].load->utilization.size());
  const double bottom = map_bottom(groups);
  const double half_width = num_experts <= 64 ? 0.48 : 0.5;
  return row_labels(groups) + cell_labels(groups, span) + color_text(span) +
         fmt::format(
             "set lmargin at screen {0}\nset rmargin at screen {1}\n"
             "set tmargin at screen {2}\nset bmargin at screen {3:.4g}\n"
             "set colorbox vertical user origin {10},{3:.4g} size 0.014,{4:.4g} noborder\n"
             "unset key\nset border 0\nset xrange [-0.5:{5}]\nset yrange [{6}:-0.5]\n"
             "set xtics 0,{7} nomirror scale 0 font ',10' tc rgb '{8}' offset 0,0.3\nunset ytics\n"
             "set xlabel 'expert' font ',10' tc rgb '{8}' offset 0,0.8\n"
             "plot for [row=0:{11}] 'expert_load_distribution.dat' index 2*row using "
             "2:1:($2-{9}):($2+{9}):($1-0.47):($1+0.47):3 with "
             "boxxyerror fs solid 1 noborder lc palette\n",
             kLeft, kRight, kTop, bottom, kTop - bottom, static_cast<double>(num_experts) - 0.5,
             static_cast<double>(groups.size()) - 0.5, tick_step(num_experts), kFaint, half_width,
             kBar, groups.size() - 1);
}

/// Sorted loads as steps, one curve per routing, and the fair share as a line. Very uneven loads
/// get a logarithmic axis, on which experts without rows lie below its end.
std::string curve_text(const Groups& groups) {
  const auto num_experts = static_cast<std::int64_t>(groups[0].load->utilization.size());
  const double top = map_bottom(groups) - 0.145;
  Legend legend(kLeft, top + 0.03);
  std::string curves;
  double highest = 1, lowest = 1;  // of loads above 0
  for (std::size_t row = 0; row < groups.size(); ++row) {
    legend.add_line(curve_color(row), title_of(groups[row], groups.size()));
    curves += fmt::format(
        ", \\\n     'expert_load_distribution.dat' index {} using 1:2 with steps lw 2.4 lc rgb "
        "'{}'",
        2 * row + 1, curve_color(row));
    for (double load : groups[row].load->utilization) {
      highest = std::max(highest, load);
      if (load > 0) lowest = std::min(lowest, load);
    }
  }
  const bool is_uneven = highest > 4;
  const std::string range = is_uneven ? fmt::format(
                                            "set yrange [{:.3g}:{:.3g}]\nset logscale y\nset ytics "
                                            "(0.03, 0.1, 0.3, 1, 3, 10, 30, 100)\n",
                                            0.6 * lowest, 1.5 * highest)
                                      : fmt::format("set yrange [0:{:.3g}]\n", 1.12 * highest);
  return "unset label\nunset colorbox\n" + legend.script() +
         fmt::format(
             "set tmargin at screen {0:.4g}\nset bmargin at screen 0.13\n"
             "set border 3 lc rgb '{1}'\nset xrange [0.5:{2}]\n"
             "set xtics {6} out scale 0.5 offset 0,0\nset xtics add ('1' 1)\n"
             "set ytics nomirror out scale 0.5 font ',10' tc rgb '{1}'\n"
             "{7}"
             "set grid ytics back lt 1 lw 1 lc rgb '{3}'\n"
             "set xlabel 'experts, busiest first' offset 0,0.3\n"
             "set ylabel 'load / mean{4}' font ',10' tc rgb '{1}' offset 1,0\n"
             "plot 1 with lines dt (12,8) lw 1.3 lc rgb '{1}'{5}\n",
             top, kFaint, static_cast<double>(num_experts) + 0.5, kGrid, is_uneven ? " (log)" : "",
             curves, num_experts <= 16 ? "1,1" : "autofreq", range);
}

}  // namespace

std::optional<PlotSource> load_plot(const Run& run) {
  Groups groups = routing_groups(run);
  if (groups.empty()) return std::nullopt;
  if (groups.size() > kMostRows) groups.resize(kMostRows);
  const std::string title =
      "Load of each expert" + (run.model.name.empty() ? std::string() : ": " + run.model.name);
  PlotSource source;
  source.name = "expert_load_distribution";
  source.data = data_text(groups);
  source.script = plot_frame(frame_of(run, title), source.name) + "set multiplot\n" +
                  map_text(groups, color_span(groups)) + curve_text(groups) + "unset multiplot\n";
  return source;
}

}  // namespace moe::report
