// One schema for everything that a program measures, prints, saves and plots: a Run holds rows.
// SI units throughout: seconds, bytes, FLOP, bytes per second. JSON form: record/json.h,
// docs/cli.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moe/config.h"
#include "moe/device.h"

namespace moe::record {

inline constexpr const char* kSchema = "moe-bench/2";  // /1 knew no sweeps; it is still read

enum class Status { ok, failed, skipped };

constexpr std::string_view name_of(Status status) {
  switch (status) {
    case Status::ok: return "ok";
    case Status::failed: return "failed";
    case Status::skipped: return "skipped";
  }
  return "?";
}

/// Samples of one phase and what statistics say of them.
struct Timing {
  std::vector<double> samples_s;
  double median_s = 0, q1_s = 0, q3_s = 0, p5_s = 0, p95_s = 0;
  std::optional<double> noise;  // (q3 - q1) / median; absent below the least number of samples
};

/// One comparison with the truth.
struct Check {
  std::string what;      // "out", "d_w_up", "chosen_experts"
  std::string scope;     // "16 tokens", "all"
  double error = 0;      // norm-relative; mismatches for exact checks
  double tolerance = 0;  // 0 = exact
  bool passed = false;
  std::string where;  // first or worst place of a failure: "token 17, column 902"
};

/// Load balance of the routing that a row ran with (docs/measurement.md).
struct Load {
  std::int64_t used_experts = 0;
  double max_over_mean = 0, min_over_mean = 0, max_violation = 0;
  double cv = 0, cv_random = 0, entropy = 0, gini = 0, tile_waste = 0;
  double auxiliary_loss = 0, z_loss = 0;
  std::vector<double> utilization;         // per expert, as executed
  std::vector<double> utilization_before;  // per expert, before rounding; equal without it
};

struct RoundingReport {
  std::string rule;  // "nearest"
  std::int64_t tile = 0;
  std::int64_t dropped_pairs = 0, added_pairs = 0, largest_change = 0;
  std::int64_t tokens_without_expert = 0, tokens_with_fewer = 0;
  double drop_rate = 0, add_rate = 0;
};

/// One step of a variant's plan in a breakdown.
struct StepTime {
  std::string phase;  // "forward", "backward"
  std::string step;   // "up_proj"
  double median_s = 0;
  double flops = 0, bytes = 0;  // by the plan: useful arithmetic, fewest bytes
  double floor_s = 0;           // the least time at this run's ceilings; 0 = unknown
};

struct Breakdown {
  std::vector<StepTime> steps;
  double forward_host_s = 0;  // until the call returns: what issuing its work costs the host
  std::optional<double> backward_host_s;
  std::optional<double> forward_graph_host_s, backward_graph_host_s;  // of a captured graph
};

/// One number per phase; backward and total are absent where only forward ran.
struct Phases {
  double forward = 0;
  std::optional<double> backward, total;
};

struct Bytes {
  std::int64_t weights = 0, gradients = 0, saved = 0, workspace = 0;
  std::int64_t peak = 0;  // saved + workspace of one layer: what the variant decides
  bool measured = false;  // saved to peak: counted by a framework's allocator, not planned
};

/// One variant at one point.
struct Row {
  std::string variant;     // "sonic+rounding"
  std::int64_t point = 0;  // index in Run::points; 0 where there are none
  Status status = Status::ok;
  std::string reason;                          // of failed and skipped
  std::optional<std::int64_t> largest_tokens;  // skipped for memory: the most tokens that would fit
  std::optional<Timing> forward, backward, total;
  std::optional<Timing> graph_forward, graph_backward, graph_total;  // replays of captured graphs
  std::string no_graph_reason;      // of a row without, on a device that has graphs
  std::int64_t tokens = 0;          // [T]
  std::int64_t executed_pairs = 0;  // rows the GEMMs ran
  std::int64_t credited_pairs = 0;  // min(T*K, executed): what TFLOP/s counts
  bool different_routing = false;   // than the first row: rounded
  bool reference = false;           // dense_bound: no MoE layer, a bar for those that are
  std::optional<double> tokens_per_s, flops_per_s, ceiling_fraction, speedup;
  std::optional<Phases> dense_bound_flops_per_s;  // of this run's dense_bound row
  std::optional<Phases> dense_bound_fraction;     // FLOP/s of this row / that, phase by phase
  Bytes bytes;
  std::vector<Check> checks;
  double check_s = 0;  // before samples: the checked pass, its comparison, graphs and breakdown
  std::optional<Breakdown> breakdown;
  std::optional<DeviceConditions> conditions_before, conditions_after;  // of the row's samples
  std::optional<double> core_mhz;  // median, read after each sample
  std::optional<Load> load;
  std::optional<RoundingReport> rounding;
};

/// Of a run that measured one rank of expert parallelism alone (--ep-rank).
struct EpRank {
  std::int64_t rank = 1, ranks = 1;          // counted from 1
  std::int64_t num_experts = 0, tokens = 0;  // of the whole layer, over all ranks
};

/// Where a run took place. Strings may be empty when unknown.
struct Environment {
  std::string device_kind, device_name;
  int num_cores = 0;
  std::int64_t memory_bytes = 0;
  std::string host_cpu, os, compiler, build_type, version, git_commit;
  bool git_dirty = false;
  std::string gemm_library;  // "oneDNN 2.6.3"
  std::map<std::string, std::string> extra;
};

/// One shape of a sweep, with what a run of a single shape holds itself.
struct Point {
  std::map<std::string, std::string> values;  // of the swept fields: "tokens" -> "512"
  ModelConfig model;
  std::string traffic;
  double gemm_ceiling_flops_per_s = 0, copy_ceiling_bytes_per_s = 0;  // in the point's type
  double flops_per_pass = 0;
  std::vector<std::string> warnings;
  std::string verdict;
};

/// A comparison over one shape, or over several: a sweep. Then `points` has the shapes, each row
/// says which one is its own, and model, traffic, ceilings and flops_per_pass here are those of the
/// first point. record/sweep.h takes a sweep apart.
struct Run {
  std::string id;       // "2026-11-23T04-12-07Z-7f3a"
  std::string program;  // "bench_moe_variants"
  std::vector<std::string> argv;
  std::string repeat_command;
  std::map<std::string, std::string> request;  // what was asked for beside the shapes, flag by flag
  Environment environment;
  ModelConfig model;              // shape after overrides
  std::optional<EpRank> ep_rank;  // `model` is then that rank's share of the layer
  std::string mode;               // "forward", "forward_backward"
  std::string traffic;            // "zipf:1"
  std::uint64_t seed = 0;
  std::string baseline;  // variant that speedup is relative to
  double gemm_ceiling_flops_per_s = 0, copy_ceiling_bytes_per_s = 0;
  double flops_per_pass = 0;  // of one pass of `mode` with T*K pairs; 0 = unknown
  double noise_target = 0;
  int min_samples = 0;
  std::vector<std::string> swept;  // fields that differ between points, in their order
  std::vector<Point> points;       // empty = one shape
  std::vector<Row> rows;
  std::vector<std::string> warnings;
  std::string verdict;
};

}  // namespace moe::record
