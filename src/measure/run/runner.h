// A comparison from beginning to end: plan, allocate, verify, sample in turn, and make Records.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "measure/problem/ep_share.h"
#include "measure/problem/variant_choice.h"
#include "measure/run/sampler.h"
#include "measure/trace/trace_file.h"
#include "record/record.h"
#include "routing/traffic.h"

namespace moe::measure {

enum class CheckLevel { off, quick, full };

constexpr std::string_view name_of(CheckLevel level) {
  switch (level) {
    case CheckLevel::off: return "off";
    case CheckLevel::quick: return "quick";
    case CheckLevel::full: return "full";
  }
  return "?";
}

struct BenchRequest {
  ModelConfig model;                  // layer.rounding: the rule of "+rounding" rows
  std::vector<std::string> variants;  // labels, in the order of the table
  std::string baseline = "vanilla";
  bool backward = true;
  routing::Traffic traffic;
  std::optional<TraceInput> trace;  // with traffic of kind trace
  std::uint64_t seed = 42;
  CheckLevel check = CheckLevel::quick;
  SamplerOptions sampling;            // time_cap_s: of the whole run, verification included
  std::filesystem::path dump_folder;  // empty = no tensors are written
  std::vector<record::Row> finished;  // rows of an earlier attempt: kept, not measured again
  bool breakdown = false;             // times every step too, in passes of their own
  /// Set by measure_one_rank(): the routing that `model`, a rank's share of a layer, is given.
  std::shared_ptr<const EpShare> ep_share;

  std::optional<std::int64_t> given_rows() const {
    return ep_share ? std::optional(ep_share->rows.max_rows) : std::nullopt;
  }
  /// T*K, or the rows that the rank receives.
  std::int64_t pairs() const { return given_rows().value_or(model.tokens() * model.layer.top_k); }
};

/// Puts one rank's share in the place of the request's layer: "1/8". Throws Error{usage}.
void measure_one_rank(const std::string& ep_rank, BenchRequest& request);

/// What a program wants to hear while a comparison runs.
struct BenchEvents {
  std::function<void(const std::string& text)> status;  // what is being done now
  std::function<void(const record::Row& row)>
      row_done;                       // a finished row, in the order of finishing
  std::function<bool()> interrupted;  // true = stop after the turn at work
};

/// What a comparison will need, without allocating anything.
struct BenchEstimate {
  struct Line {
    std::string variant;
    std::string skip_reason;                     // empty = it will run
    std::optional<std::int64_t> largest_tokens;  // when memory is the reason
    record::Bytes bytes;
    double settling_s = 0;      // untimed, for each sample (turn.h)
    bool is_framework = false;  // bytes lack what it allocates itself, which only a run can tell
  };
  std::vector<Line> lines;
  std::int64_t needed_bytes =
      0;  // of all that will run; the fewest that any variant needs if none will
  std::int64_t free_bytes = 0;
  double flops_per_pass = 0;  // forward, or forward and backward, of T*K pairs
};
BenchEstimate estimate(Device& device, const BenchRequest& request);

/// Fills in what a run is about: model, mode, traffic, seed, baseline, sampling, FLOP of a pass.
void describe_run(const BenchRequest& request, record::Run& run);

/// Adds rows and warnings to a described run that has its ceilings. Returns false when interrupted:
/// then rows that got too few samples, or none, are in the run but were never row_done. An error of
/// one variant becomes its row; the others go on.
bool run_bench(Device& device, const BenchRequest& request, const BenchEvents& events,
               record::Run& run);

/// In the place of samples one bounded pass of each row, checked before as ever, for an attached
/// profiler: it collects these passes alone, with ranges by variant, phase and step. Rows get no
/// times.
bool profile_bench(Device& device, const BenchRequest& request, const BenchEvents& events,
                   record::Run& run);

}  // namespace moe::measure
