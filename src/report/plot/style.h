// The look that all plots share: size, fonts, colours, title and footer.
#pragma once

#include <string>

#include "record/record.h"

namespace moe::report {

inline constexpr int kPlotWidth = 1200, kPlotHeight = 700;  // pixels

inline constexpr const char* kInk = "#1f2933";    // titles and values
inline constexpr const char* kFaint = "#6b7785";  // axes, units, footers
inline constexpr const char* kGrid = "#e3e7eb";
inline constexpr const char* kAlert = "#b42318";  // failures

/// One fixed colour per variant on every plot, "#rrggbb", told apart with any colour vision (after
/// Okabe and Ito). Variants that the table does not know get its last colour.
std::string variant_color(const std::string& variant);

/// `color` mixed with white; 0 = color, 1 = white.
std::string tinted(const std::string& color, double white);

/// The words around a plot.
struct Frame {
  std::string title;
  std::string shape;   // what was run
  std::string device;  // on what
  std::string origin;  // run, commit, program
};
Frame frame_of(const record::Run& run, const std::string& title);

/// "run ID   commit SHA   PROGRAM VERSION"
std::string origin_text(const std::string& id, const record::Environment& environment,
                        const std::string& program);

/// Terminal, fonts, borders, a title of two lines and the footer. The script is NAME.gp and draws
/// ../NAME.png.
std::string plot_frame(const Frame& frame, const std::string& name);

/// A line of marks with their meaning, from a place on the screen (fractions of width and height)
/// to the right.
class Legend {
 public:
  Legend(double x, double y) : x_(x), y_(y) {}

  void add_box(const std::string& color, const std::string& text);
  void add_line(const std::string& color, const std::string& text);
  void add_dashes(const std::string& color, const std::string& text);
  void add_whisker(const std::string& color, const std::string& text);
  void add_circle(const std::string& color, const std::string& text);

  const std::string& script() const { return script_; }

 private:
  void add_mark(const std::string& mark, const std::string& text);
  std::string stroke(double dx0, double dy0, double dx1, double dy1, const std::string& look) const;

  double x_, y_;
  std::string script_;
};

/// At most `limit` code points; a longer text ends in "...".
std::string shortened(const std::string& text, std::size_t limit);

}  // namespace moe::report
