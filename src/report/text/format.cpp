// Units and digits.
#include "report/text/format.h"

#include <fmt/format.h>

#include <cmath>

namespace moe::report {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;
constexpr double kGiB = 1024.0 * kMiB;

std::string with_unit(double value, const Scale& scale) {
  const double shown = value * scale.factor;
  const std::string number = format_number(shown, shown, 3);
  return scale.unit.empty() ? number : number + " " + scale.unit;
}

}  // namespace

Scale time_scale(double largest_s) {
  if (largest_s > 0 && largest_s < 1e-3) return {1e6, "us"};
  if (largest_s < 100) return {1e3, "ms"};
  return {1, "s"};
}

Scale count_scale(double largest) {
  if (largest >= 1e9) return {1e-9, "G"};
  if (largest >= 1e6) return {1e-6, "M"};
  if (largest >= 1e3) return {1e-3, "k"};
  return {1, ""};
}

Scale flops_scale(double largest_per_s) {
  return largest_per_s >= 1e12 ? Scale{1e-12, "TFLOP/s"} : Scale{1e-9, "GFLOP/s"};
}

Scale bytes_scale(double largest) {
  return largest >= 10 * kGiB ? Scale{1 / kGiB, "GiB"} : Scale{1 / kMiB, "MiB"};
}

std::string format_number(double value, double largest, int significant) {
  const double magnitude = std::abs(largest);
  int whole_digits = 1;
  for (double bound = 10; magnitude >= bound && whole_digits < significant; bound *= 10) {
    ++whole_digits;
  }
  return fmt::format("{:.{}f}", value, significant - whole_digits);
}

std::string format_time(double seconds) {
  return with_unit(seconds, seconds >= 1 ? Scale{1, "s"} : time_scale(seconds));
}

std::string format_bytes(double bytes) {
  return with_unit(bytes, bytes >= kGiB ? Scale{1 / kGiB, "GiB"} : Scale{1 / kMiB, "MiB"});
}

std::string format_moved(double bytes) {
  return with_unit(bytes, bytes >= 1e9 ? Scale{1e-9, "GB"} : Scale{1e-6, "MB"});
}

std::string format_count(double count) {
  return with_unit(count, count_scale(count));
}

std::string format_amount(double amount) {
  if (amount >= 1e12) return with_unit(amount, {1e-12, "T"});
  if (amount >= 1e9) return with_unit(amount, {1e-9, "B"});
  return with_unit(amount, count_scale(amount));
}

std::string format_flops(double flops) {
  if (flops >= 1e15) return with_unit(flops, {1e-15, "PFLOP"});
  if (flops >= 1e12) return with_unit(flops, {1e-12, "TFLOP"});
  return with_unit(flops, {1e-9, "GFLOP"});
}

std::string format_flops_rate(double flops_per_s) {
  return with_unit(flops_per_s, flops_scale(flops_per_s));
}

std::string format_byte_rate(double bytes_per_s) {
  return with_unit(bytes_per_s, bytes_per_s >= 1e12 ? Scale{1e-12, "TB/s"} : Scale{1e-9, "GB/s"});
}

std::string format_percent(double fraction, int decimals) {
  return fmt::format("{:.{}f} %", 100 * fraction, decimals);
}

std::string format_ratio(double ratio) {
  return fmt::format("{:.2f}x", ratio);
}

std::string format_integer(std::int64_t value) {
  const std::string digits = std::to_string(value);
  const std::size_t first = value < 0 ? 1 : 0;
  std::string text;
  for (std::size_t at = 0; at < digits.size(); ++at) {
    if (at > first && (digits.size() - at) % 3 == 0) text += ',';
    text += digits[at];
  }
  return text;
}

std::string format_error(double error) {
  return fmt::format("{:.1e}", error);
}

}  // namespace moe::report
