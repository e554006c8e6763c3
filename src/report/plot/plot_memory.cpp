// memory_breakdown: stacked bars of the composition at the peak, with the total at their ends and a
// line at the capacity where it lies within reach of the bars.
#include "report/plot/plot_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "report/bench/row_facts.h"
#include "report/memory/memory_facts.h"
#include "report/plot/gnuplot.h"
#include "report/plot/style.h"
#include "report/text/format.h"

namespace moe::report {
namespace {

using record::MemoryPhase;
using record::MemoryRow;
using record::MemoryRun;

/// Parts that a reader tells apart, left to right; after Okabe and Ito.
struct Segment {
  const char* name;
  const char* color;
  const char* ink;  // of a label inside
  std::vector<std::string_view> parts;
};

const std::array<Segment, 6>& segments() {
  static const std::array<Segment, 6> all{{
      {"weights", "#4a5561", "#ffffff", {"expert weights", "router and shared weights"}},
      {"gradients", "#8b97a3", "#ffffff", {"gradients"}},
      {"optimizer states", "#ccd3da", kInk, {"optimizer states"}},
      {"saved for backward", "#0072b2", "#ffffff", {"saved"}},
      {"transient", "#e69f00", kInk, {"workspace", "out, d_out, d_x"}},
      {"routing, scratch, idle",
       "#cc79a7",
       kInk,
       {"routing", "GEMM library scratch", "reserved, idle", "communication"}},
  }};
  return all;
}

std::int64_t segment_bytes(const MemoryPhase& phase, const Segment& segment) {
  std::int64_t bytes = 0;
  for (std::string_view part : segment.parts) bytes += part_bytes(phase, part);
  return bytes;
}

/// The bytes axis: where it ends and in which unit.
struct Axis {
  double end_bytes = 1;
  Scale scale;
  bool shows_capacity = false;

  double place(double bytes) const { return bytes * scale.factor; }
  std::string words(double bytes) const {
    return format_number(place(bytes), place(bytes), 3) + " " + scale.unit;
  }
};

Axis axis_of(const MemoryRun& run) {
  constexpr double kLabelRoom = 1.2, kReach = 1.6;
  double longest = 1;
  for (const MemoryRow& row : run.rows) {
    longest = std::max(longest, static_cast<double>(peak_phase(row)->total_bytes));
  }
  const auto capacity = static_cast<double>(run.capacity_bytes);
  Axis axis;
  axis.shows_capacity = capacity > 0 && capacity <= kReach * longest;
  axis.end_bytes = std::max(kLabelRoom * longest, axis.shows_capacity ? 1.08 * capacity : 0);
  axis.scale = bytes_scale(axis.end_bytes);
  return axis;
}

std::string data_text(const MemoryRun& run) {
  std::string text = "# row  from_bytes  to_bytes  color  variant  part\n";
  for (std::size_t index = 0; index < run.rows.size(); ++index) {
    const MemoryPhase& phase = *peak_phase(run.rows[index]);
    std::int64_t from = 0;
    for (const Segment& segment : segments()) {
      const std::int64_t bytes = segment_bytes(phase, segment);
      text += fmt::format("{} {} {} 0x{} {} {}\n", index, from, from + bytes,
                          std::string(segment.color).substr(1), run.rows[index].variant,
                          quoted(segment.name));
      from += bytes;
    }
  }
  return text;
}

std::string label(double x, std::size_t index, double rise, const char* align,
                  const std::string& text, const char* font, const char* color) {
  return fmt::format(
      "set label {} at {:.5g},{} {} offset 0,{} front font 'DejaVu Sans{}' tc rgb '{}'\n",
      quoted(text), x, index, align, rise, font, color);
}

std::string bar_labels(const MemoryRun& run, const Axis& axis) {
  std::string text;
  for (std::size_t index = 0; index < run.rows.size(); ++index) {
    const MemoryPhase& phase = *peak_phase(run.rows[index]);
    double from = 0;
    for (const Segment& segment : segments()) {
      const auto bytes = static_cast<double>(segment_bytes(phase, segment));
      const bool has_room = bytes > 0.075 * axis.end_bytes;
      if (has_room) {
        text += label(axis.place(from + bytes / 2), index, 0, "center", axis.words(bytes), ",11",
                      segment.ink);
      }
      from += bytes;
    }
    const double x = axis.place(from + 0.012 * axis.end_bytes);
    text += label(x, index, 0.55, "left", axis.words(from), ":Bold,13", kInk);
    text += label(x, index, -0.75, "left", "in " + phase.step, ",9", kFaint);
  }
  return text;
}

std::string axes_text(const MemoryRun& run, const Axis& axis) {
  const double count = static_cast<double>(run.rows.size());
  const double middle = (count - 1) / 2, half = std::max(count, 4.0) / 2;
  std::string names;
  for (std::size_t index = 0; index < run.rows.size(); ++index) {
    names +=
        (index == 0 ? "" : ", ") + quoted(run.rows[index].variant) + " " + std::to_string(index);
  }
  return fmt::format(
      "scale = {0:.10g}  # bytes to {1}\n"
      "set lmargin at screen 0.205\nset rmargin at screen 0.97\n"
      "set tmargin at screen 0.765\nset bmargin at screen 0.15\n"
      "set xrange [0:{2:.5g}]\nset yrange [{3}:{4}]\n"
      "set border 1 lc rgb '{5}'\nset style fill solid 1 noborder\nunset key\n"
      "set grid xtics back lt 1 lw 1 lc rgb '{6}'\n"
      "set xtics nomirror out scale 0.5 font ',11' tc rgb '{5}'\n"
      "set ytics nomirror scale 0 font ',12' tc rgb '{7}' ({8})\n"
      "set xlabel {9} font ',11' tc rgb '{5}' offset 0,0.2\n",
      axis.scale.factor, axis.scale.unit, axis.place(axis.end_bytes), middle + half, middle - half,
      kFaint, kGrid, kInk, names, quoted("memory at the peak (" + axis.scale.unit + ")"));
}

std::string legend_text() {
  Legend legend(0.205, 0.803);
  for (const Segment& segment : segments()) legend.add_box(segment.color, segment.name);
  return legend.script();
}

std::string capacity_text(const MemoryRun& run, const Axis& axis) {
  const std::string words = "capacity " + format_bytes(static_cast<double>(run.capacity_bytes));
  if (!axis.shows_capacity) {
    return fmt::format("set label {} at graph 0.995,-0.115 right front font ',10' tc rgb '{}'\n",
                       quoted(words + " lies beyond this axis"), kFaint);
  }
  const double x = axis.place(static_cast<double>(run.capacity_bytes));
  return fmt::format(
      "set arrow from {0:.6g}, graph 0 to {0:.6g}, graph 1 nohead front dt (12,8) lw 1.6 lc rgb "
      "'{1}'\n"
      "set label {2} at {0:.6g}, graph 1.02 center front font ',10' tc rgb '{1}'\n",
      x, kAlert, quoted(words));
}

}  // namespace

PlotSource memory_plot(const MemoryRun& run) {
  const Axis axis = axis_of(run);
  const bool forward_only = run.mode == "forward";
  Frame frame;
  frame.title = std::string("Memory of one MoE layer at its peak, ") +
                (forward_only ? "forward" : "forward and backward") +
                (run.model.name.empty() ? "" : ": " + run.model.name);
  frame.shape =
      shape_text(run.model) + (run.optimizer == "none" ? "" : ", optimizer " + run.optimizer);
  frame.device = shortened(run.target + (run.target_is_here ? "" : " (not here: predicted)"), 120);
  frame.origin = origin_text(run.id, run.environment, run.program);
  PlotSource source;
  source.name = "memory_breakdown";
  source.data = data_text(run);
  source.script =
      plot_frame(frame, source.name) + axes_text(run, axis) + legend_text() +
      bar_labels(run, axis) + capacity_text(run, axis) +
      "plot 'memory_breakdown.dat' using (0):1:($2*scale):($3*scale):($1-0.36):($1+0.36)"
      ":4 with boxxyerror lc rgb variable\n";
  return source;
}

}  // namespace moe::report
