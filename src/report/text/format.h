// Numbers as people read them. A Scale is chosen once for a column or an axis, from its largest
// value, so that one unit stands in the header and the figures below it can be compared at a
// glance.
#pragma once

#include <cstdint>
#include <string>

namespace moe::report {

/// shown = value * factor, in `unit`.
struct Scale {
  double factor = 1;
  std::string unit;
};

Scale time_scale(double largest_s);       // us, ms (up to 100 s), s
Scale count_scale(double largest);        // "", k, M, G
Scale flops_scale(double largest_per_s);  // GFLOP/s, from 1e12 on TFLOP/s
Scale bytes_scale(double largest);        // MiB, from 10 GiB on GiB

/// "3124", "44.30", "0.741": as many decimals as `largest` needs for `significant` digits.
std::string format_number(double value, double largest, int significant = 4);

/// One value with its own unit, three significant digits: "1.24 s", "48.3 ms".
std::string format_time(double seconds);
std::string format_bytes(double bytes);             // "412 MiB"
std::string format_moved(double bytes);             // "36.1 GB", "586 MB": powers of ten
std::string format_count(double count);             // "12.3 k"
std::string format_amount(double amount);           // "271 B", "2.69 M", "987": k, M, B, T
std::string format_flops(double flops);             // "618 GFLOP"
std::string format_flops_rate(double flops_per_s);  // "98.7 GFLOP/s"
std::string format_byte_rate(double bytes_per_s);   // "14.1 GB/s"

std::string format_percent(double fraction, int decimals = 1);  // "3.1 %"
std::string format_ratio(double ratio);                         // "1.89x"
std::string format_integer(std::int64_t value);                 // "55,296"
std::string format_error(double error);                         // "3.1e-07"

}  // namespace moe::report
