// What two runs of the same points say of each other. JSON form: record/json.h, docs/cli.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record/record.h"

namespace moe::record {

inline constexpr const char* kComparisonSchema = "moe-compare/1";

/// Of B, seen from A.
enum class Verdict { faster, slower, same, unclear };

constexpr std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::faster: return "faster";
    case Verdict::slower: return "slower";
    case Verdict::same: return "same";
    case Verdict::unclear: return "unclear";
  }
  return "?";
}

/// One pass of one variant in both runs.
struct PointComparison {
  std::string point;           // "sonic"
  std::string pass = "total";  // or "forward", "backward"
  double a_median_s = 0, b_median_s = 0;
  std::int64_t a_samples = 0, b_samples = 0;
  double change = 0;  // median of all ratios b/a of a sample each, minus 1 (Hodges-Lehmann)
  std::optional<double> change_low, change_high;  // interval of `confidence`; too few samples: none
  double p = 1;                                   // Mann-Whitney, two-sided
  std::optional<double> a_core_mhz, b_core_mhz;   // clocks of a GPU while it was sampled
  double slower_share = 0.5;  // of all pairs of a sample each: B is slower; ties count half
  Verdict verdict = Verdict::unclear;
  std::string reason;  // of unclear
};

/// One field that the runs do not share, with both values as text.
struct Difference {
  std::string field, a, b;
};

struct Comparison {
  std::string a, b;                   // ids of the runs
  double threshold = 0;               // smallest change that counts, as a fraction
  double confidence = 0;              // of the intervals
  std::vector<Difference> conflicts;  // of shape, routing or device: times say nothing of B's code
  std::vector<Difference> differences;  // of the environment
  double a_gemm_ceiling_flops_per_s = 0, b_gemm_ceiling_flops_per_s = 0;
  std::vector<PointComparison> points;
  std::vector<std::string> lost;     // points with a time in A, and failed or skipped in B
  std::vector<std::string> remarks;  // points of one run only, memory that changed
};

}  // namespace moe::record
