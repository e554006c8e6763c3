// sweep: time and rate of every variant against a swept field, one picture for each combination of
// the other swept fields.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <sstream>

#include "record/sweep.h"
#include "report/bench/row_facts.h"
#include "report/plot/gnuplot.h"
#include "report/plot/plots.h"
#include "report/plot/style.h"
#include "report/text/format.h"

namespace moe::report {
namespace {

using record::Point;
using record::Row;
using record::Run;

constexpr double kLogFrom = 8;  // largest / smallest value of an axis that becomes logarithmic
constexpr std::size_t kMostPlots = 8;  // pictures of one sweep

std::optional<double> number_in(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

/// The values of one field, in the order of the points, each once.
std::vector<std::string> values_of(const Run& run, const std::string& field) {
  std::vector<std::string> values;
  for (const Point& point : run.points) {
    const std::string& value = point.values.at(field);
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  }
  return values;
}

/// The horizontal axis: numbers at their value, words side by side.
struct Axis {
  std::string field;
  std::vector<std::string> values;
  bool is_numeric = true, is_logarithmic = false;

  double place(const std::string& value) const {
    if (is_numeric) return *number_in(value);
    return static_cast<double>(std::find(values.begin(), values.end(), value) - values.begin());
  }
};

Axis axis_over(const Run& run, const std::string& field) {
  Axis axis{field, values_of(run, field)};
  std::vector<double> numbers;
  for (const std::string& value : axis.values) {
    if (const auto number = number_in(value)) numbers.push_back(*number);
  }
  axis.is_numeric = numbers.size() == axis.values.size();
  if (!axis.is_numeric) return axis;
  const auto [least, most] = std::minmax_element(numbers.begin(), numbers.end());
  axis.is_logarithmic = *least > 0 && *most / *least >= kLogFrom;
  return axis;
}

/// Numbers go before words, then whichever has most values; the first of equals.
Axis widest_axis(const Run& run) {
  Axis best;
  for (const std::string& field : run.swept) {
    const Axis axis = axis_over(run, field);
    const auto rank = [](const Axis& each) {
      return std::pair(each.is_numeric && each.values.size() > 1, each.values.size());
    };
    if (best.values.empty() || rank(axis) > rank(best)) best = axis;
  }
  return best;
}

/// Points that differ in the axis alone, by what the other fields are: "top_k=2", or "".
std::map<std::string, std::vector<std::size_t>> groups_of(const Run& run, const Axis& axis) {
  Run others = run;
  std::erase(others.swept, axis.field);
  std::map<std::string, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < run.points.size(); ++i)
    groups[record::point_label(others, run.points[i])].push_back(i);
  return groups;
}

/// One variant in one picture.
struct Line {
  std::string variant, data;
};

/// What one picture shows.
struct Picture {
  Axis axis;
  std::vector<Line> lines;
  double largest_s = 0, smallest_s = INFINITY, largest_flops = 0;
};

void add_row(const Row& row, double place, Picture& picture) {
  const record::Timing* timing = judged_timing(row);
  if (row.status != record::Status::ok || timing == nullptr) return;
  auto line = std::find_if(picture.lines.begin(), picture.lines.end(),
                           [&](const Line& each) { return each.variant == row.variant; });
  if (line == picture.lines.end()) {
    picture.lines.push_back({row.variant, ""});
    line = picture.lines.end() - 1;
  }
  const double low = timing->noise ? timing->q1_s : timing->median_s;
  const double high = timing->noise ? timing->q3_s : timing->median_s;
  line->data += fmt::format("{:.9g} {:.9g} {:.9g} {:.9g} {:.9g}\n", place, timing->median_s, low,
                            high, row.flops_per_s.value_or(NAN));
  picture.largest_s = std::max(picture.largest_s, high);
  picture.smallest_s = std::min(picture.smallest_s, low);
  picture.largest_flops = std::max(picture.largest_flops, row.flops_per_s.value_or(0));
}

Picture picture_of(const Run& run, const Axis& axis, std::vector<std::size_t> points) {
  const std::vector<Run> runs = record::points_of(run);
  std::sort(points.begin(), points.end(), [&](std::size_t a, std::size_t b) {
    return axis.place(run.points[a].values.at(axis.field)) <
           axis.place(run.points[b].values.at(axis.field));
  });
  Picture picture{axis, {}};
  for (std::size_t index : points) {
    const double place = axis.place(run.points[index].values.at(axis.field));
    for (const Row& row : runs[index].rows) add_row(row, place, picture);
  }
  return picture;
}

std::string x_axis_text(const Axis& axis) {
  std::string ticks;
  for (const std::string& value : axis.values) {
    const std::string shown =
        axis.is_numeric ? format_integer(static_cast<std::int64_t>(axis.place(value))) : value;
    ticks += fmt::format("{}{} {:.9g}", ticks.empty() ? "" : ", ", quoted(shortened(shown, 24)),
                         axis.place(value));
  }
  double low = axis.place(axis.values.front()), high = low;
  for (const std::string& value : axis.values) {
    low = std::min(low, axis.place(value));
    high = std::max(high, axis.place(value));
  }
  const double room = 0.04 * (high - low) + (high == low ? 0.5 : 0);
  const double factor = std::pow(high / std::max(low, 1e-9), 0.04);
  return fmt::format(
      "{}set xtics nomirror out scale 0.5 font ',11' tc rgb '{}' ({})\n"
      "set xrange [{:.9g}:{:.9g}]\nset xlabel {} font ',11' tc rgb '{}'\n",
      axis.is_logarithmic ? "set logscale x 2\n" : "", kFaint, ticks,
      axis.is_logarithmic ? low / factor : low - room,
      axis.is_logarithmic ? high * factor : high + room, quoted(axis.field), kFaint);
}

/// One of the two diagrams.
struct Panel {
  double left, right;  // fractions of the width
  std::string title, y_axis, columns, style;
};

std::string panel_text(const Panel& panel, const Picture& picture, const std::string& name) {
  std::string plots;
  for (std::size_t i = 0; i < picture.lines.size(); ++i) {
    plots += fmt::format("{}'{}.dat' index {} using {} with {} pt 7 ps 0.9 lw 2 lc rgb '{}'",
                         plots.empty() ? "" : ", \\\n     ", name, i, panel.columns, panel.style,
                         variant_color(picture.lines[i].variant));
  }
  return fmt::format(
      "set lmargin at screen {0}\nset rmargin at screen {1}\n"
      "set label {2} at screen {0},0.775 left font 'DejaVu Sans:Bold,12' tc rgb '{3}'\n"
      "{4}plot {5}\n",
      panel.left, panel.right, quoted(panel.title), kInk, panel.y_axis,
      plots.empty() ? "NaN" : plots);
}

std::string legend_text(const Picture& picture) {
  Legend legend(0.075, 0.815);
  for (const Line& line : picture.lines) legend.add_line(variant_color(line.variant), line.variant);
  return legend.script();
}

std::string script_of(const Picture& picture, const std::string& name, bool has_backward) {
  const Scale time = time_scale(picture.largest_s), flops = flops_scale(picture.largest_flops);
  const bool is_log = picture.largest_s / picture.smallest_s >= kLogFrom;
  const std::string from_zero = picture.lines.empty() ? "set yrange [0:1]\n" : "set yrange [0:*]\n";
  const Panel times{0.075,
                    0.48,
                    fmt::format("median time, {} ({})",
                                has_backward ? "forward and backward" : "forward", time.unit),
                    is_log ? "set logscale y\nset yrange [*:*]\n" : from_zero,
                    fmt::format("1:($2*{0}):($3*{0}):($4*{0})", time.factor),
                    "yerrorlines"};
  const Panel rates{0.57,
                    0.975,
                    "useful " + flops.unit,
                    "unset logscale y\n" + from_zero,
                    fmt::format("1:($5*{})", flops.factor),
                    "linespoints"};
  return fmt::format(
             "set multiplot\nset tmargin at screen 0.75\nset bmargin at screen 0.15\n"
             "set border 3 lc rgb '{0}'\nunset key\nset bars 0.6\n"
             "set grid ytics back lt 1 lw 1 lc rgb '{1}'\n"
             "set ytics nomirror out scale 0.5 font ',11' tc rgb '{0}'\n",
             kFaint, kGrid) +
         legend_text(picture) + x_axis_text(picture.axis) + panel_text(times, picture, name) +
         "unset label\nunset arrow\nunset object\n" +  // the frame is drawn once
         panel_text(rates, picture, name) + "unset multiplot\n";
}

/// The shape of all points of a picture: the first one's, with the values of the axis in the place
/// of its own.
std::string subject_of(const Run& first, const Axis& axis) {
  static const std::map<std::string, std::string> kSymbols = {
      {"tokens", "T="},  {"batch_size", "T="},  {"seq_len", "T="}, {"hidden_dim", "d="},
      {"ffn_dim", "n="}, {"num_experts", "E="}, {"top_k", "K="}};
  const auto symbol = kSymbols.find(axis.field);
  std::string all;
  for (const std::string& value : axis.values) all += (all.empty() ? "" : ",") + value;
  if (axis.field == "routing") return shape_text(first) + ", routing " + all;
  std::istringstream words(shape_text(first));
  std::string text;
  for (std::string word; words >> word;) {
    if (symbol != kSymbols.end() && word.starts_with(symbol->second))
      word = symbol->second + axis.values.front() + ".." + axis.values.back();
    if (!axis.is_numeric && word == axis.values.front()) word = all;
    text += (text.empty() ? "" : " ") + word;
  }
  return text + ", routing " + first.traffic;
}

/// A group's label as part of a file's name.
std::string file_part(const std::string& label) {
  std::string part;
  for (char c : label) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) || c == '=' || c == '.' ||
                       c == '_' || c == '-' || c == '+';
    part += plain ? c : '-';
  }
  return part;
}

}  // namespace

std::vector<PlotSource> sweep_plots(const Run& run) {
  if (run.points.empty() || run.swept.empty()) return {};
  const Axis axis = widest_axis(run);
  std::vector<PlotSource> sources;
  for (const auto& [label, points] : groups_of(run, axis)) {
    if (sources.size() == kMostPlots) break;
    const Picture picture = picture_of(run, axis, points);
    PlotSource source;
    source.name = "sweep" + (label.empty() ? "" : "-" + file_part(label));
    for (std::size_t i = 0; i < picture.lines.size(); ++i) {
      source.data +=
          fmt::format("{}# {}: {}  median_s  q1_s  q3_s  flops_per_s\n{}", i == 0 ? "" : "\n\n",
                      picture.lines[i].variant, axis.field, picture.lines[i].data);
    }
    const Run first = record::points_of(run)[points.front()];
    const std::string title =
        "One MoE layer over " + axis.field + (label.empty() ? "" : ", at " + label);
    Frame frame = frame_of(first, title);
    frame.shape = subject_of(first, axis) + fmt::format(", seed {}", run.seed);
    source.script =
        plot_frame(frame, source.name) + script_of(picture, source.name, has_backward(run));
    sources.push_back(std::move(source));
  }
  return sources;
}

}  // namespace moe::report
