// Colours of load / mean: white at the fair share of 1, blue below it and red above.
#pragma once

#include <string>

namespace moe::report {

/// Half the range of the colours, 0.1 to 1; loads beyond it share the last colour. `deviation` is
/// the largest of |load / mean - 1|.
double load_color_span(double deviation);

/// Palette, range and ticks of the colour bar, from 1 - span to 1 + span.
std::string load_color_text(double span);

/// Steps between marked numbers, so that at most 16 of `count` stand on an axis.
long tick_step(long count);

}  // namespace moe::report
