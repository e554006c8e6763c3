// The comparison. Verification comes before timing, on the same buffers; a wrong variant gets no
// time.
#include "measure/runner.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "measure/dump.h"
#include "measure/load_report.h"
#include "measure/memory_need.h"
#include "measure/problem.h"
#include "measure/statistics.h"
#include "measure/trial.h"
#include "measure/verify.h"
#include "model/layer_cost.h"
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

class Comparison {
 public:
  Comparison(Device& device, const BenchRequest& request, const BenchEvents& events,
             record::Run& run)
      : device_(device), request_(request), events_(events), run_(run), start_(Clock::now()) {}

  bool execute() {
    prepare();
    bool complete = true;
    if (!trials_.empty()) {
      check_all();
      complete = sample_all();
    }
    for (const record::Row& row : run_.rows) {
      if (row.rounding) warn_about(row);
    }
    record::compare_with_baseline(run_);
    return complete;
  }

 private:
  struct Entry {
    std::size_t row;
    std::unique_ptr<Trial> trial;
  };

  record::Row& row_of(const Entry& entry) { return run_.rows[entry.row]; }

  void prepare();
  const GivenRouting* given(bool rounded) const {
    const auto& routing = rounded ? given_rounded_ : given_;
    return routing ? &*routing : nullptr;
  }
  const GivenRouting* prepare_given(const VariantChoice& choice);
  void allocate(const std::vector<std::size_t>& runnable, const std::vector<Plan>& plans);
  void check_all();
  void check(Entry& entry);
  void verify(record::Row& row, const LayerConfig& config, const HostResult& result);
  void warn_about(const record::Row& row);
  bool sample_all();
  void finish_row(record::Row& row, const std::vector<PassSeconds>& samples);

  Device& device_;
  const BenchRequest& request_;
  const BenchEvents& events_;
  record::Run& run_;
  Clock::time_point start_;
  std::optional<Problem> problem_;
  std::optional<Workbench> workbench_;
  std::optional<GivenRouting> given_, given_rounded_;  // of a trace
  std::optional<Verifier> verifier_;
  std::vector<Entry> trials_;
};

void Comparison::prepare() {
  const BenchEstimate needs = estimate(device_, request_);
  std::vector<std::size_t> runnable;
  std::vector<Plan> plans;
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
    if (line.skip_reason.empty()) {
      runnable.push_back(run_.rows.size());
      plans.push_back(choice.variant->plan(
          make_request(choice.config(request_.model.layer), row.tokens, request_.backward),
          device_.traits()));
    } else {
      row.status = record::Status::skipped;
      row.reason = line.skip_reason;
      row.largest_tokens = line.largest_tokens;
      events_.row_done(row);
    }
    run_.rows.push_back(std::move(row));
  }
  if (!runnable.empty()) allocate(runnable, plans);
}

void Comparison::allocate(const std::vector<std::size_t>& runnable,
                          const std::vector<Plan>& plans) {
  events_.status("making seeded tensors");
  const LayerConfig& layer = request_.model.layer;
  const std::int64_t tokens = request_.model.tokens();
  std::size_t region_bytes = 0;
  std::int64_t max_rows = 0;
  for (const Plan& plan : plans) {
    region_bytes = std::max(region_bytes, plan.saved_bytes + plan.workspace_bytes);
    max_rows = std::max(max_rows, plan.request.max_rows);
  }
  problem_.emplace(device_, layer, tokens, request_.traffic, request_.seed);
  workbench_.emplace(device_, layer, tokens, max_rows, request_.backward, region_bytes);
  for (std::size_t i = 0; i < runnable.size(); ++i) {
    const VariantChoice choice =
        parse_variant(device_.traits().kind, run_.rows[runnable[i]].variant);
    trials_.push_back({runnable[i], std::make_unique<Trial>(device_, choice, plans[i], *problem_,
                                                            *workbench_, prepare_given(choice))});
  }
  if (!request_.dump_folder.empty()) dump_problem(request_.dump_folder, run_.model, *problem_);
}

/// Rows that choose alike share them.
const GivenRouting* Comparison::prepare_given(const VariantChoice& choice) {
  if (!request_.trace) {
    if (request_.traffic.kind != routing::TrafficKind::trace) return nullptr;
    throw Error(ErrorKind::internal, "cannot replay a trace", "it was not loaded");
  }
  std::optional<GivenRouting>& routing = choice.rounded ? given_rounded_ : given_;
  if (!routing) {
    routing.emplace(device_, choice.config(request_.model.layer), request_.trace->layer,
                    request_.model.tokens());
  }
  return &*routing;
}

void Comparison::check_all() {
  for (std::size_t i = 0; i < trials_.size() && !events_.interrupted(); ++i) {
    record::Row& row = row_of(trials_[i]);
    events_.status("[" + std::to_string(i + 1) + "/" + std::to_string(trials_.size()) + "] " +
                   row.variant + (request_.check == CheckLevel::off ? ": warm-up" : ": checking"));
    try {
      check(trials_[i]);
    } catch (const std::exception& error) {
      row.status = record::Status::failed;
      row.reason = error.what();
    }
    if (row.status != record::Status::ok) events_.row_done(row);
  }
  std::erase_if(trials_,
                [&](const Entry& entry) { return row_of(entry).status != record::Status::ok; });
}

void Comparison::check(Entry& entry) {
  record::Row& row = row_of(entry);
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

  row.executed_pairs = result.expert_offsets.back();
  row.credited_pairs = std::min(row.tokens * config.top_k, row.executed_pairs);
  row.load = load_record(config, result, row.tokens);
  if (config.rounding.rule == RoundingRule::none) return;
  row.rounding = rounding_record(config, result, row.tokens);
}

void Comparison::verify(record::Row& row, const LayerConfig& config, const HostResult& result) {
  const bool rounded = config.rounding.rule != RoundingRule::none;
  VerifyOptions options = verify_options(request_);
  if (const GivenRouting* routing = given(rounded)) options.given = &routing->on_host();
  Verifier own(problem_->host(config), options);
  if (!rounded && !verifier_) verifier_.emplace(problem_->host(config), options);
  row.checks = (rounded ? own : *verifier_).verify(result);
  const auto failed = std::find_if(row.checks.begin(), row.checks.end(),
                                   [](const record::Check& check) { return !check.passed; });
  if (failed == row.checks.end()) return;
  row.status = record::Status::failed;
  row.reason = failed->what + " differs from the truth";
}

void Comparison::warn_about(const record::Row& row) {
  const record::RoundingReport& rounding = *row.rounding;
  const double mean_rows = static_cast<double>(row.tokens * run_.model.layer.top_k) /
                           static_cast<double>(run_.model.layer.num_experts);
  if (rounding.tokens_without_expert > 0) {
    run_.warnings.push_back(row.variant + ": " + std::to_string(rounding.tokens_without_expert) +
                            " tokens were left without any expert");
  }
  if (mean_rows < 2.0 * static_cast<double>(rounding.tile)) {
    run_.warnings.push_back(
        row.variant + ": " + std::to_string(static_cast<std::int64_t>(mean_rows)) +
        " rows per expert are under twice the tile of " + std::to_string(rounding.tile) +
        "; rounding may cost model quality here (docs/variants.md)");
  }
}

bool Comparison::sample_all() {
  std::vector<std::function<PassSeconds()>> passes;
  for (Entry& entry : trials_) passes.push_back([&entry] { return entry.trial->run(); });
  SamplerOptions options = request_.sampling;
  options.time_cap_s -= std::chrono::duration<double>(Clock::now() - start_).count();
  events_.status("sampling " + std::to_string(passes.size()) + " variants in turn");
  SamplerEvents events;
  events.after_round = [&](int rounds, double seconds_left) {
    events_.status("sampling: round " + std::to_string(rounds) + " done, at most " +
                   std::to_string(std::max(0, static_cast<int>(seconds_left))) + " s left");
  };
  events.finished = [&](std::size_t i, const std::vector<PassSeconds>& samples) {
    finish_row(row_of(trials_[i]), samples);
    events_.row_done(row_of(trials_[i]));
  };
  events.cut = [&](std::size_t i, const std::vector<PassSeconds>& samples) {
    finish_row(row_of(trials_[i]), samples);
  };
  events.interrupted = events_.interrupted;
  const bool complete = sample_in_turn(passes, options, events);
  for (const Entry& entry : trials_) {
    record::Row& row = row_of(entry);
    if (row.total) continue;
    row.status = record::Status::skipped;
    row.reason = "interrupted before its first sample";
  }
  return complete;
}

void Comparison::finish_row(record::Row& row, const std::vector<PassSeconds>& samples) {
  std::vector<double> forward, backward, total;
  for (const PassSeconds& sample : samples) {
    forward.push_back(sample.forward);
    backward.push_back(sample.backward);
    total.push_back(sample.total());
  }
  const int min_samples = request_.sampling.min_samples;
  row.forward = summarize(std::move(forward), min_samples);
  if (request_.backward) row.backward = summarize(std::move(backward), min_samples);
  row.total = summarize(std::move(total), min_samples);

  const model::LayerFlops flops =
      model::layer_flops(request_.model.layer, row.tokens, row.credited_pairs);
  const double seconds = row.total->median_s;
  row.tokens_per_s = static_cast<double>(row.tokens) / seconds;
  row.flops_per_s = (flops.forward + (request_.backward ? flops.backward : 0)) / seconds;
  if (run_.gemm_ceiling_flops_per_s > 0) {
    row.ceiling_fraction = *row.flops_per_s / run_.gemm_ceiling_flops_per_s;
  }
}

/// A trace goes by its name and its contents, wherever it lies.
std::string traffic_text(const BenchRequest& request) {
  if (!request.trace) return routing::to_string(request.traffic);
  routing::Traffic traffic = request.traffic;
  traffic.trace_file = std::filesystem::path(traffic.trace_file).filename().string();
  return routing::to_string(traffic) + " " + request.trace->hash;
}

}  // namespace

void describe_run(const BenchRequest& request, record::Run& run) {
  const ModelConfig& model = request.model;
  const model::LayerFlops flops =
      model::layer_flops(model.layer, model.tokens(), model.tokens() * model.layer.top_k);
  run.model = model;
  run.mode = request.backward ? "forward_backward" : "forward";
  run.traffic = traffic_text(request);
  run.seed = request.seed;
  run.baseline = request.baseline;
  run.flops_per_pass = flops.forward + (request.backward ? flops.backward : 0);
  run.noise_target = request.sampling.noise_target;
  run.min_samples = request.sampling.min_samples;
}

bool run_bench(Device& device, const BenchRequest& request, const BenchEvents& events,
               record::Run& run) {
  return Comparison(device, request, events, run).execute();
}

}  // namespace moe::measure
