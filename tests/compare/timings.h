// Samples of a quiet machine: spread evenly over +-`spread` around a median.
#pragma once

#include <string>

#include "record/record.h"

namespace moe::compare {

inline record::Timing timing(double median_s, int samples = 20, double spread = 0.005) {
  record::Timing timing;
  timing.median_s = median_s;
  for (int i = 0; i < samples; ++i) {
    const double place = samples == 1 ? 0 : 2.0 * i / (samples - 1) - 1;
    timing.samples_s.push_back(median_s * (1 + spread * place));
  }
  return timing;
}

inline record::Row row(const std::string& variant, double forward_s, double backward_s) {
  record::Row row;
  row.variant = variant;
  row.tokens = 4096;
  row.forward = timing(forward_s);
  row.backward = timing(backward_s);
  row.total = timing(forward_s + backward_s);
  row.bytes.peak = 1000;
  return row;
}

}  // namespace moe::compare
