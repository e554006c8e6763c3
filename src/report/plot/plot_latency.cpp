// latency_comparison: one bar per variant, forward then backward, with the spread of the total, the
// floor that the measured ceiling sets, and what failed or was skipped in words.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/bench/row_facts.h"
#include "report/plot/gnuplot.h"
#include "report/plot/plots.h"
#include "report/plot/style.h"
#include "report/text/format.h"

namespace moe::report {
namespace {

using record::Row;
using record::Run;
using record::Status;
using record::Timing;

constexpr double kBackwardTint = 0.5;  // backward is the variant's colour, lighter by this
constexpr double kLabelRoom = 1.25;    // of the longest bar, so that its label fits
constexpr std::size_t kReasonLimit = 105;

double floor_s(const Run& run) {
  if (run.flops_per_pass <= 0 || run.gemm_ceiling_flops_per_s <= 0) return 0;
  return run.flops_per_pass / run.gemm_ceiling_flops_per_s;
}

/// Right end of what is drawn for a row: bar, whisker or samples.
double reach_s(const Timing& timing) {
  if (timing.noise) return std::max(timing.median_s, timing.q3_s);
  double reach = timing.median_s;
  for (double sample : timing.samples_s) reach = std::max(reach, sample);
  return reach;
}

/// Ends of the vertical axis, on which row i stands at i. Few rows stand in the middle and do not
/// become huge bars.
struct Ends {
  double bottom = 0, top = 0;
};

Ends vertical_ends(const Run& run) {
  const double count = static_cast<double>(run.rows.size());
  const double middle = (count - 1) / 2, half = std::max(count, 4.0) / 2;
  return {middle + half, middle - half};
}

/// The time axis: where it ends and in which unit.
struct Axis {
  double end_s = 0;
  Scale scale;

  double place(double seconds) const { return seconds * scale.factor; }
  std::string words(double seconds) const {
    return format_number(place(seconds), place(seconds), 3) + " " + scale.unit;
  }
};

Axis axis_of(const Run& run) {
  Axis axis{floor_s(run), {}};
  for (const Row* row : measured_rows(run)) {
    axis.end_s = std::max(axis.end_s, reach_s(*judged_timing(*row)));
  }
  axis.scale = axis.end_s >= 1 ? Scale{1, "s"} : time_scale(axis.end_s);
  axis.end_s = axis.end_s > 0 ? axis.end_s * kLabelRoom : 1;
  return axis;
}

bool has_noise(const Row* row) {
  return judged_timing(*row)->noise.has_value();
}

std::string hex_number(const std::string& color) {
  return "0x" + color.substr(1);
}

/// Blocks: bars; the floor line; last, where there are any, single samples of rows with too few for
/// a spread.
std::string data_text(const Run& run) {
  std::string bars =
      "# row  forward_end_s  total_end_s  q1_s  q3_s  forward_color  backward_color  variant\n";
  std::string samples = "# row  sample_s\n";
  for (std::size_t index = 0; index < run.rows.size(); ++index) {
    const Row& row = run.rows[index];
    const Timing* judged = judged_timing(row);
    if (row.status != Status::ok || judged == nullptr) continue;
    const double forward_s = row.forward ? row.forward->median_s : 0;
    const std::string color = variant_color(row.variant);
    bars += fmt::format("{} {:.9g} {:.9g} {:.9g} {:.9g} {} {} {}\n", index,
                        std::min(forward_s, judged->median_s), judged->median_s,
                        judged->noise ? judged->q1_s : judged->median_s,
                        judged->noise ? judged->q3_s : judged->median_s, hex_number(color),
                        hex_number(tinted(color, kBackwardTint)), row.variant);
    if (judged->noise) continue;
    for (double sample : judged->samples_s) samples += fmt::format("{} {:.9g}\n", index, sample);
  }
  const double floor = floor_s(run);
  const Ends ends = vertical_ends(run);
  return bars +
         fmt::format("\n\n# floor_s  row\n{0:.9g} {1}\n{0:.9g} {2}\n", floor > 0 ? floor : NAN,
                     ends.top, ends.bottom) +
         "\n\n" + samples;
}

/// At a time and a row; `rise` lifts it by that many lines.
std::string label(double x, std::size_t index, double rise, const std::string& align,
                  const std::string& text, const std::string& font, const std::string& color) {
  return fmt::format(
      "set label {} at {:.5g},{} {} offset 0,{} front font 'DejaVu Sans{}' tc rgb '{}'\n",
      quoted(text), x, index, align, rise, font, color);
}

/// Beside the bar: its total in bold; below that, smaller, the comparison and the noise.
std::string end_labels(const Run& run, const Row& row, std::size_t index, const Axis& axis) {
  const Timing& timing = *judged_timing(row);
  const double x = axis.place(reach_s(timing) + 0.012 * axis.end_s);
  std::string remark = timing.noise ? "noise " + format_percent(*timing.noise)
                                    : fmt::format("n={}", timing.samples_s.size());
  if (row.variant == run.baseline) {
    remark = "baseline, " + remark;
  } else if (row.speedup) {
    remark = format_ratio(*row.speedup) + " vs " + run.baseline + ", " + remark;
  }
  return label(x, index, 0.55, "left", axis.words(timing.median_s), ":Bold,13", kInk) +
         label(x, index, -0.75, "left", remark, ",9", kFaint);
}

/// The time inside one part of a bar, beside the floor line and not on it; nothing where it has no
/// room.
std::string part_label(double start_s, double end_s, double time_s, double floor, std::size_t index,
                       const Axis& axis, const char* color) {
  const double half_text_s = 0.04 * axis.end_s;
  const double middle = (start_s + end_s) / 2;
  for (double place_s : {middle, floor + half_text_s, floor - half_text_s}) {
    const bool fits = place_s - half_text_s >= start_s && place_s + half_text_s <= end_s;
    if (!fits || std::abs(place_s - floor) < 0.99 * half_text_s) continue;
    return label(axis.place(place_s), index, 0, "center", axis.words(time_s), ",11", color);
  }
  return "";
}

/// A failure or a skip in the place of a bar, on a white ground.
std::string reason_label(const std::string& text, std::size_t index, const Axis& axis,
                         const char* color) {
  return fmt::format("set label {} at {:.5g},{} left front boxed tc rgb '{}'\n",
                     quoted(shortened(text, kReasonLimit)), axis.place(0.01 * axis.end_s), index,
                     color);
}

std::string row_labels(const Run& run, const Axis& axis) {
  std::string text = "set style textbox opaque noborder margins 0.4,0.4 fillcolor rgb '#ffffff'\n";
  for (std::size_t index = 0; index < run.rows.size(); ++index) {
    const Row& row = run.rows[index];
    if (row.status == Status::failed) {
      text += reason_label("FAILED  " + failure_text(row), index, axis, kAlert);
    } else if (row.status == Status::skipped) {
      text += reason_label("skipped: " + row.reason, index, axis, kFaint);
    } else if (judged_timing(row) != nullptr) {
      text += end_labels(run, row, index, axis);
      if (!row.forward || !row.backward || !row.total) continue;
      const double forward = row.forward->median_s, total = row.total->median_s,
                   floor = floor_s(run);
      text += part_label(0, forward, forward, floor, index, axis, "#ffffff");
      text += part_label(forward, total, row.backward->median_s, floor, index, axis, kInk);
    }
  }
  return text;
}

std::string axes_text(const Run& run, const Axis& axis) {
  const Ends ends = vertical_ends(run);
  std::string names;
  for (std::size_t index = 0; index < run.rows.size(); ++index) {
    names +=
        (index == 0 ? "" : ", ") + quoted(run.rows[index].variant) + " " + std::to_string(index);
  }
  return fmt::format(
      "scale = {0}  # seconds to {1}\n"
      "set lmargin at screen 0.205\nset rmargin at screen 0.97\n"
      "set tmargin at screen 0.775\nset bmargin at screen 0.15\n"
      "set xrange [0:{2:.5g}]\nset yrange [{3}:{9}]\n"
      "set border 1 lc rgb '{4}'\nset style fill solid 1 noborder\nset bars 1.2\nunset key\n"
      "set grid xtics back lt 1 lw 1 lc rgb '{5}'\n"
      "set xtics nomirror out scale 0.5 font ',11' tc rgb '{4}'\n"
      "set ytics nomirror scale 0 font ',12' tc rgb '{6}' ({7})\n"
      "set xlabel {8} font ',11' tc rgb '{4}' offset 0,0.2\n",
      axis.scale.factor, axis.scale.unit, axis.place(axis.end_s), ends.bottom, kFaint, kGrid, kInk,
      names, quoted(fmt::format("median time per {} ({})", mode_in_words(run), axis.scale.unit)),
      ends.top);
}

/// Marks and their meaning in one line above the bars.
std::string legend_text(const Run& run, const Axis& axis) {
  const std::vector<const Row*> measured = measured_rows(run);
  Legend legend(0.205, 0.808);
  legend.add_box("#59636e", "forward");
  if (has_backward(run)) legend.add_box("#b4bbc2", "backward");
  if (std::any_of(measured.begin(), measured.end(), has_noise)) {
    legend.add_whisker(kInk, "middle half of samples");
  }
  if (!std::all_of(measured.begin(), measured.end(), has_noise)) {
    legend.add_circle(kInk, "single samples");
  }
  if (floor_s(run) > 0) {
    legend.add_dashes(kInk,
                      "floor " + axis.words(floor_s(run)) + ": all FLOPs at the measured ceiling");
  }
  return legend.script();
}

std::string plot_command(const Run& run) {
  const std::vector<const Row*> measured = measured_rows(run);
  if (measured.empty()) return "plot NaN\n";
  std::string text = fmt::format(
      "data = 'latency_comparison.dat'\n"
      "plot data index 0 using (0):1:($2*scale):($3*scale):($1-0.36):($1+0.36):7 with boxxyerror "
      "lc "
      "rgb variable, \\\n"
      "     data index 0 using (0):1:(0):($2*scale):($1-0.36):($1+0.36):6 with boxxyerror lc rgb "
      "variable, \\\n"
      "     data index 0 using ($5>$4 ? $3*scale : NaN):1:($4*scale):($5*scale) with xerrorbars pt "
      "-1 "
      "lw 1.6 lc rgb '{0}', \\\n"
      "     data index 1 using ($1*scale):2 with lines dt (12,8) lw 1.3 lc rgb '{0}'",
      kInk);
  if (!std::all_of(measured.begin(), measured.end(), has_noise)) {
    text += fmt::format(
        ", \\\n     data index 2 using ($2*scale):1 with points pt 6 ps 0.9 lw 1.4 lc rgb '{}'",
        kInk);
  }
  return text + "\n";
}

}  // namespace

PlotSource latency_plot(const Run& run) {
  const Axis axis = axis_of(run);
  const std::string title = "Latency of one MoE layer, " + mode_in_words(run) +
                            (run.model.name.empty() ? "" : ": " + run.model.name);
  PlotSource source;
  source.name = "latency_comparison";
  source.data = data_text(run);
  source.script = plot_frame(frame_of(run, title), source.name) + axes_text(run, axis) +
                  legend_text(run, axis) + row_labels(run, axis) + plot_command(run);
  return source;
}

}  // namespace moe::report
