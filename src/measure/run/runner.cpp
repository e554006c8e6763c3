// The comparison. Verification comes before timing, on the same buffers; a wrong variant gets no
// time.
#include "measure/run/runner.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "measure/problem/memory_need.h"
#include "measure/problem/problem.h"
#include "measure/run/breakdown.h"
#include "measure/run/dense_bound.h"
#include "measure/run/load_report.h"
#include "measure/run/probes.h"
#include "measure/run/relate_rows.h"
#include "measure/run/statistics.h"
#include "measure/run/trial.h"
#include "measure/run/turn.h"
#include "measure/verify/dump.h"
#include "measure/verify/verify.h"
#include "model/layer/layer_cost.h"
#include "moe/error.h"
#include "record/sweep.h"
#include "truth/invariants.h"

namespace moe::measure {
namespace {

using Clock = std::chrono::steady_clock;

VerifyOptions verify_options(const BenchRequest& request) {
  VerifyOptions options;
  options.seed = request.seed;
  options.backward = request.backward;
  if (request.check == CheckLevel::full) {
    options.sampled_tokens = request.model.tokens();
    options.sampled_experts = request.model.layer.num_experts;
    options.sampled_channels = 16;
  }
  return options;
}

/// The regions that a framework's layer was lent hold its routing alone.
void set_own_memory(record::Bytes& bytes, const OwnMemory& own) {
  bytes.saved += own.saved_bytes;
  bytes.peak += own.peak_bytes;
  bytes.workspace = bytes.peak - bytes.saved;
  bytes.measured = true;
}

class Comparison {
 public:
  Comparison(Device& device, const BenchRequest& request, const BenchEvents& events,
             record::Run& run)
      : device_(device), request_(request), events_(events), run_(run), start_(Clock::now()) {}

  bool profile() {
    prepare();
    check_all();
    for (Entry& entry : trials_) profile(entry);
    return !events_.interrupted();
  }

  bool execute() {
    prepare();
    bool complete = true;
    if (!trials_.empty()) {
      check_all();
      complete = sample_all();
    }
    warn_about_rounding(run_);
    record::compare_with_baseline(run_);
    compare_with_dense_bound(run_);
    warn_about_uneven_experts(run_);
    warn_about_clocks(run_);
    return complete;
  }

 private:
  /// A row that runs: a variant, or the dense bound.
  struct Entry {
    std::size_t row;
    std::unique_ptr<Trial> trial;
    std::unique_ptr<DenseBound> dense_bound;
    std::vector<DeviceConditions> conditions;  // after each turn

    std::vector<PassSeconds> run(const TurnPace& pace) const {
      return trial ? trial->run(pace) : dense_bound->run(pace);
    }
  };

  record::Row& row_of(const Entry& entry) { return run_.rows[entry.row]; }

  void prepare();
  const GivenRouting* given(bool rounded) const {
    const auto& routing = rounded ? given_rounded_ : given_;
    return routing ? &*routing : nullptr;
  }
  const GivenRouting* prepare_given(const VariantChoice& choice);
  void allocate(const std::vector<std::size_t>& runnable);
  void check_all();
  void check(Entry& entry);
  void verify(record::Row& row, const LayerConfig& config, const HostResult& result);
  void profile(Entry& entry);
  bool sample_all();
  std::vector<PassSeconds> take_turn(Entry& entry, int most);
  void record_conditions(Entry& entry);
  void finish_row(record::Row& row, const std::vector<PassSeconds>& samples);

  Device& device_;
  const BenchRequest& request_;
  const BenchEvents& events_;
  record::Run& run_;
  Clock::time_point start_;
  std::optional<Problem> problem_;
  std::optional<Workbench> workbench_;
  std::optional<GivenRouting> given_, given_rounded_;    // of a trace
  std::optional<Verifier> verifier_, rounded_verifier_;  // rows that route alike share one
  std::vector<Entry> trials_;
};

void Comparison::prepare() {
  const BenchEstimate needs = estimate(device_, request_);
  std::vector<std::size_t> runnable;
  for (const BenchEstimate::Line& line : needs.lines) {
    const auto finished =
        std::find_if(request_.finished.begin(), request_.finished.end(),
                     [&](const record::Row& row) { return row.variant == line.variant; });
    if (finished != request_.finished.end()) {
      run_.rows.push_back(*finished);
      continue;
    }
    const VariantChoice choice = parse_variant(device_.traits().kind, line.variant);
    record::Row row;
    row.variant = line.variant;
    row.tokens = request_.model.tokens();
    row.bytes = line.bytes;
    row.different_routing = choice.rounded;
    row.reference = choice.is_dense_bound();
    if (line.skip_reason.empty()) {
      runnable.push_back(run_.rows.size());
    } else {
      row.status = record::Status::skipped;
      row.reason = line.skip_reason;
      row.largest_tokens = line.largest_tokens;
      events_.row_done(row);
    }
    run_.rows.push_back(std::move(row));
  }
  if (!runnable.empty()) allocate(runnable);
}

void Comparison::allocate(const std::vector<std::size_t>& runnable) {
  events_.status("making seeded tensors");
  const LayerConfig& layer = request_.model.layer;
  const std::int64_t tokens = request_.model.tokens();
  std::int64_t region_bytes = 0, max_rows = 0;
  for (std::size_t i : runnable) {
    const VariantChoice choice = parse_variant(device_.traits().kind, run_.rows[i].variant);
    region_bytes = std::max(region_bytes, run_.rows[i].bytes.peak);
    max_rows = std::max(
        max_rows, request_.given_rows().value_or(max_routed_rows(choice.config(layer), tokens)));
  }
  // A rank's share was made with the traffic; its layer has no router.
  const routing::Traffic traffic = request_.ep_share ? routing::Traffic{} : request_.traffic;
  problem_.emplace(device_, layer, tokens, traffic, request_.seed);
  workbench_.emplace(device_, layer, tokens, max_rows, request_.backward,
                     static_cast<std::size_t>(region_bytes));
  for (std::size_t i : runnable) {
    const VariantChoice choice = parse_variant(device_.traits().kind, run_.rows[i].variant);
    Entry entry{.row = i};
    if (choice.is_dense_bound()) {
      entry.dense_bound = std::make_unique<DenseBound>(device_, layer, tokens, request_.pairs(),
                                                       request_.backward, *problem_, *workbench_);
    } else {
      const Plan plan = choice.variant->plan(
          make_request(choice.config(layer), tokens, request_.backward, request_.given_rows()),
          device_.traits());
      entry.trial = std::make_unique<Trial>(device_, choice, plan, *problem_, *workbench_,
                                            prepare_given(choice));
    }
    trials_.push_back(std::move(entry));
  }
  if (!request_.dump_folder.empty()) dump_problem(request_.dump_folder, run_.model, *problem_);
}

/// Rows that choose alike share them.
const GivenRouting* Comparison::prepare_given(const VariantChoice& choice) {
  if (request_.ep_share) {
    if (!given_) given_.emplace(device_, request_.ep_share->rows);
    return &*given_;
  }
  if (!request_.trace) {
    if (request_.traffic.kind != routing::TrafficKind::trace) return nullptr;
    throw Error(ErrorKind::internal, "cannot replay a trace", "it was not loaded");
  }
  std::optional<GivenRouting>& routing = choice.rounded ? given_rounded_ : given_;
  if (!routing) {
    routing.emplace(device_, choice.config(request_.model.layer), request_.trace->layer,
                    request_.model.tokens(), request_.seed);
  }
  return &*routing;
}

void Comparison::check_all() {
  for (std::size_t i = 0; i < trials_.size() && !events_.interrupted(); ++i) {
    record::Row& row = row_of(trials_[i]);
    events_.status("[" + std::to_string(i + 1) + "/" + std::to_string(trials_.size()) + "] " +
                   row.variant + (request_.check == CheckLevel::off ? ": warm-up" : ": checking"));
    const Clock::time_point begin = Clock::now();
    try {
      check(trials_[i]);
    } catch (const Error& error) {
      // A plan that does not fit was skipped before; a framework finds out when it allocates.
      const bool lacks_memory = error.kind() == ErrorKind::out_of_memory;
      row.status = lacks_memory ? record::Status::skipped : record::Status::failed;
      row.reason = error.what();
    } catch (const std::exception& error) {
      row.status = record::Status::failed;
      row.reason = error.what();
    }
    row.check_s = std::chrono::duration<double>(Clock::now() - begin).count();
    if (row.status != record::Status::ok) events_.row_done(row);
  }
  std::erase_if(trials_,
                [&](const Entry& entry) { return row_of(entry).status != record::Status::ok; });
}

void Comparison::check(Entry& entry) {
  record::Row& row = row_of(entry);
  if (entry.dense_bound) {
    row.executed_pairs = row.credited_pairs = dense_pairs(request_.model.layer, request_.pairs());
    entry.dense_bound->run({});  // warm-up; there is nothing to verify
    return;
  }
  const LayerConfig& config = entry.trial->plan().request.config;
  const HostResult result = entry.trial->run_for_check();
  // A result whose routing is none cannot be described, only refused.
  const std::string broken = truth::broken_invariant(result.expert_offsets, result.row_tokens,
                                                     config.num_experts, row.tokens);
  if (broken.empty() && !request_.dump_folder.empty()) {
    dump_result(request_.dump_folder, row.variant, config, result);
  }
  if (request_.check != CheckLevel::off) verify(row, config, result);
  if (row.status != record::Status::ok) return;
  if (!broken.empty()) throw Error(ErrorKind::check_failed, "its routing is none", broken);

  if (entry.trial->choice().is_framework()) {
    set_own_memory(row.bytes, entry.trial->own_memory());
  }
  row.executed_pairs = result.expert_offsets.back();
  row.credited_pairs = std::min(request_.pairs(), row.executed_pairs);
  row.load = load_record(config, result, row.tokens);
  row.no_graph_reason = entry.trial->capture_graphs();
  if (request_.breakdown) {
    row.breakdown = measure_breakdown(
        device_, *entry.trial, {run_.gemm_ceiling_flops_per_s, run_.copy_ceiling_bytes_per_s});
  }
  if (config.rounding.rule == RoundingRule::none) return;
  row.rounding = rounding_record(config, result, row.tokens);
}

void Comparison::verify(record::Row& row, const LayerConfig& config, const HostResult& result) {
  const bool rounded = config.rounding.rule != RoundingRule::none;
  std::optional<Verifier>& verifier = rounded ? rounded_verifier_ : verifier_;
  if (!verifier) {
    VerifyOptions options = verify_options(request_);
    if (const GivenRouting* routing = given(rounded)) options.given = &routing->on_host();
    verifier.emplace(problem_->host(config), options);
  }
  row.checks = verifier->verify(result);
  const auto failed = std::find_if(row.checks.begin(), row.checks.end(),
                                   [](const record::Check& check) { return !check.passed; });
  if (failed == row.checks.end()) return;
  row.status = record::Status::failed;
  row.reason = failed->what + " differs from the truth";
}

void Comparison::profile(Entry& entry) {
  events_.status("profiling " + row_of(entry).variant);
  device_.set_profiling(true);
  {
    const RangeScope variant(device_, row_of(entry).variant);
    if (entry.dense_bound) {
      entry.dense_bound->run({});
    } else {
      RangeProbe steps(device_);
      const RangeScope forward(device_, "forward");
      entry.trial->forward(&steps);
    }
    if (entry.trial && request_.backward) {
      RangeProbe steps(device_);
      const RangeScope backward(device_, "backward");
      entry.trial->backward(&steps);
    }
    device_.synchronize();
  }
  device_.set_profiling(false);
}

std::vector<PassSeconds> Comparison::take_turn(Entry& entry, int most) {
  record::Row& row = row_of(entry);
  if (!row.conditions_before) row.conditions_before = device_.conditions();
  TurnPace pace = turn_pace(device_);
  pace.samples = std::min(pace.samples, most);
  const std::vector<PassSeconds> samples = entry.run(pace);
  if (const auto conditions = device_.conditions()) entry.conditions.push_back(*conditions);
  return samples;
}

void Comparison::record_conditions(Entry& entry) {
  if (entry.conditions.empty()) return;
  std::vector<double> core_mhz;
  for (const DeviceConditions& each : entry.conditions) core_mhz.push_back(each.core_mhz);
  record::Row& row = row_of(entry);
  row.conditions_after = entry.conditions.back();
  row.core_mhz = quantile(core_mhz, 0.5);
}

bool Comparison::sample_all() {
  std::vector<Turn> turns;
  for (Entry& entry : trials_)
    turns.push_back([this, &entry](int most) { return take_turn(entry, most); });
  SamplerOptions options = request_.sampling;
  options.time_cap_s -= std::chrono::duration<double>(Clock::now() - start_).count();
  events_.status("sampling " + std::to_string(turns.size()) + " variants in turn");
  SamplerEvents events;
  events.after_round = [&](int rounds, double seconds_left) {
    events_.status("sampling: round " + std::to_string(rounds) + " done, at most " +
                   std::to_string(std::max(0, static_cast<int>(seconds_left))) + " s left");
  };
  events.finished = [&](std::size_t i, const std::vector<PassSeconds>& samples) {
    finish_row(row_of(trials_[i]), samples);
    record_conditions(trials_[i]);
    events_.row_done(row_of(trials_[i]));
  };
  events.cut = [&](std::size_t i, const std::vector<PassSeconds>& samples) {
    finish_row(row_of(trials_[i]), samples);
  };
  events.interrupted = events_.interrupted;
  const bool complete = sample_in_turn(turns, options, events);
  for (const Entry& entry : trials_) {
    record::Row& row = row_of(entry);
    if (row.total) continue;
    row.status = record::Status::skipped;
    row.reason = "interrupted before its first sample";
  }
  return complete;
}

void Comparison::finish_row(record::Row& row, const std::vector<PassSeconds>& samples) {
  const auto timing = [&](auto phase) {
    std::vector<double> seconds;
    for (const PassSeconds& sample : samples) seconds.push_back(phase(sample));
    return summarize(std::move(seconds), request_.sampling.min_samples);
  };
  row.forward = timing([](const PassSeconds& s) { return s.forward; });
  if (request_.backward) row.backward = timing([](const PassSeconds& s) { return s.backward; });
  row.total = timing([](const PassSeconds& s) { return s.total(); });
  if (samples.front().graph_forward > 0) {
    row.graph_forward = timing([](const PassSeconds& s) { return s.graph_forward; });
    if (request_.backward)
      row.graph_backward = timing([](const PassSeconds& s) { return s.graph_backward; });
    row.graph_total = timing([](const PassSeconds& s) { return s.graph_total(); });
  }

  if (!row.reference) row.tokens_per_s = static_cast<double>(row.tokens) / row.total->median_s;
  row.flops_per_s = phase_rates(run_, row).total;
  if (run_.gemm_ceiling_flops_per_s > 0) {
    row.ceiling_fraction = *row.flops_per_s / run_.gemm_ceiling_flops_per_s;
  }
}

}  // namespace

bool run_bench(Device& device, const BenchRequest& request, const BenchEvents& events,
               record::Run& run) {
  return Comparison(device, request, events, run).execute();
}

bool profile_bench(Device& device, const BenchRequest& request, const BenchEvents& events,
                   record::Run& run) {
  return Comparison(device, request, events, run).profile();
}

}  // namespace moe::measure
