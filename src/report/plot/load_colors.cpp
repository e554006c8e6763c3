// Shared by the heat maps of runs and traces, so that a colour means the same in both.
#include "report/plot/load_colors.h"

#include <fmt/format.h>

#include "report/plot/style.h"

namespace moe::report {

double load_color_span(double deviation) {
  for (double span : {0.1, 0.25, 0.5}) {
    if (deviation <= span) return span;
  }
  return 1;
}

std::string load_color_text(double span) {
  return fmt::format(
      "set palette defined (0 '#2166ac', 1 '#67a9cf', 2 '#d1e5f0', 3 '#f7f7f7', 4 "
      "'#fddbc7', 5 '#ef8a62', 6 "
      "'#b2182b')\n"
      "set cbrange [{0}:{1}]\n"
      "set cbtics ('{0:.3g}' {0}, '1' 1, '{1:.3g}{2}' {1}) scale 0 font ',10' tc rgb '{3}' "
      "offset -0.6,0\n",
      1 - span, 1 + span, span == 1 ? "+" : "", kFaint);
}

long tick_step(long count) {
  long step = 1;
  while (count / step > 16) step *= 2;
  return step;
}

}  // namespace moe::report
