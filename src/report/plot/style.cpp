// Colours and the frame around every plot.
#include "report/plot/style.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "report/bench/row_facts.h"
#include "report/plot/gnuplot.h"

namespace moe::report {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 7> kVariantColors{{
    {"vanilla", "#7a8591"},
    {"grouped_gemm", "#0072b2"},
    {"grouped_gemm+rounding", "#009e73"},
    {"sonic", "#d55e00"},
    {"sonic+rounding", "#aa4499"},
    {"vanilla_torch", "#56b4e9"},
    {"torch_grouped_mm", "#e6c200"},
}};
constexpr const char* kOtherColor = "#b8860b";

std::string device_text(const record::Run& run) {
  const record::Environment& environment = run.environment;
  std::string text = shortened(environment.device_name, 70);
  if (environment.device_kind == "cpu") text += fmt::format(", {} threads", environment.num_cores);
  if (!environment.gemm_library.empty()) text += ", " + shortened(environment.gemm_library, 30);
  return text;
}

/// As DejaVu Sans sets it, near enough for a legend.
double width_in_em(const std::string& text) {
  double width = 0;
  for (char c : text) {
    const bool is_thin = std::strchr("ijl.,:;'|", c) != nullptr;
    const bool is_narrow = std::strchr("frt ()[]-", c) != nullptr;
    const bool is_wide = std::strchr("mw+=%<>@MW", c) != nullptr;
    width += is_thin ? 0.3 : is_narrow ? 0.4 : is_wide ? 0.9 : 0.62;
  }
  return width;
}

}  // namespace

std::string variant_color(const std::string& variant) {
  for (const auto& [name, color] : kVariantColors) {
    if (variant == name) return color;
  }
  return kOtherColor;
}

std::string tinted(const std::string& color, double white) {
  std::string result = "#";
  for (std::size_t at = 1; at < 7; at += 2) {
    const double channel = std::stoi(color.substr(at, 2), nullptr, 16);
    result +=
        fmt::format("{:02x}", static_cast<int>(std::lround(channel + (255 - channel) * white)));
  }
  return result;
}

std::string Legend::stroke(double dx0, double dy0, double dx1, double dy1,
                           const std::string& look) const {
  return fmt::format(
      "set arrow from screen {:.4g},{:.4g} to screen {:.4g},{:.4g} nohead front {}\n", x_ + dx0,
      y_ + dy0, x_ + dx1, y_ + dy1, look);
}

void Legend::add_mark(const std::string& mark, const std::string& text) {
  constexpr double kMark = 0.027, kEm = 0.0108, kGap = 0.02;  // widths at 10 points
  script_ += mark;
  script_ += fmt::format("set label {} at screen {:.4g},{:.4g} left front font ',10' tc rgb '{}'\n",
                         quoted(text), x_ + kMark, y_, kFaint);
  x_ += kMark + kEm * width_in_em(text) + kGap;
}

void Legend::add_box(const std::string& color, const std::string& text) {
  add_mark(fmt::format("set object rectangle from screen {:.4g},{:.4g} to screen {:.4g},{:.4g} "
                       "front fs solid 1 noborder "
                       "fc rgb '{}'\n",
                       x_, y_ - 0.008, x_ + 0.02, y_ + 0.008, color),
           text);
}

void Legend::add_line(const std::string& color, const std::string& text) {
  add_mark(stroke(0, 0, 0.02, 0, "lw 2.4 lc rgb '" + color + "'"), text);
}

void Legend::add_dashes(const std::string& color, const std::string& text) {
  add_mark(stroke(0, 0, 0.02, 0, "dt (12,8) lw 1.3 lc rgb '" + color + "'"), text);
}

void Legend::add_whisker(const std::string& color, const std::string& text) {
  const std::string look = "lw 1.6 lc rgb '" + color + "'";
  add_mark(stroke(0, 0, 0.02, 0, look) + stroke(0, -0.008, 0, 0.008, look) +
               stroke(0.02, -0.008, 0.02, 0.008, look),
           text);
}

void Legend::add_circle(const std::string& color, const std::string& text) {
  add_mark(fmt::format(
               "set label '' at screen {:.4g},{:.4g} front point pt 6 ps 0.9 lw 1.4 lc rgb '{}'\n",
               x_ + 0.01, y_, color),
           text);
}

std::string shortened(const std::string& text, std::size_t limit) {
  std::size_t points = 0, cut = text.size();
  for (std::size_t at = 0; at < text.size(); ++at) {
    if ((text[at] & 0xc0) == 0x80) continue;
    if (points == limit - 3) cut = at;
    if (++points > limit) return text.substr(0, cut) + "...";
  }
  return text;
}

std::string origin_text(const std::string& id, const record::Environment& environment,
                        const std::string& program) {
  return fmt::format("run {}   commit {}   {} {}", id, commit_text(environment), program,
                     environment.version);
}

Frame frame_of(const record::Run& run, const std::string& title) {
  return {title, shape_text(run) + ", routing " + run.traffic + fmt::format(", seed {}", run.seed),
          device_text(run), origin_text(run.id, run.environment, run.program)};
}

std::string plot_frame(const Frame& frame, const std::string& name) {
  std::string text = fmt::format(
      "# Draws ../{0}.png. To restyle it, edit this file and run, in this folder: gnuplot {0}.gp\n"
      "set terminal pngcairo noenhanced size {1},{2} font 'DejaVu Sans,11' background '#ffffff'\n"
      "if (!exists('picture')) picture = '../{0}.png'\n"
      "set output picture\n"
      "set encoding utf8\n",
      name, kPlotWidth, kPlotHeight);
  const auto label = [&](double x, double y, const char* align, const std::string& words,
                         const char* font, const char* color) {
    text += fmt::format("set label {} at screen {},{} {} front font 'DejaVu Sans{}' tc rgb '{}'\n",
                        quoted(words), x, y, align, font, color);
  };
  label(0.03, 0.945, "left", shortened(frame.title, 72), ":Bold,17", kInk);
  label(0.03, 0.897, "left", shortened(frame.shape, 130), ",11", kInk);
  label(0.03, 0.862, "left", frame.device, ",11", kFaint);
  label(0.03, 0.025, "left", shortened(frame.origin, 150), ",9", kFaint);
  return text;
}

}  // namespace moe::report
