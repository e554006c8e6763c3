// Groups of flags, then the request part by part.
#include "throughput/run_flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "cli/choice.h"
#include "config/nearest_name.h"
#include "moe/error.h"

namespace moe::programs {
namespace {

void add_cluster_flags(CLI::App& app, ThroughputFlags& flags) {
  const char* group = "Cluster";
  app.add_option("--gpus", flags.gpus, "numbers of GPUs, separated by commas (8)")
      ->delimiter(',')
      ->group(group);
  add_gpu_flag(app, flags.gpu, "of this kind", group);
  app.add_option("--network", flags.network, "between nodes: hdr200 | ndr400 | xdr800")
      ->group(group);
  app.add_option("--nvlink", flags.nvlink_gb, "GB/s of one GPU inside its node, one direction")
      ->group(group);
  app.add_option("--infiniband", flags.infiniband_gb, "GB/s of one GPU to other nodes")
      ->group(group);
}

void add_cost_flags(CLI::App& app, ThroughputFlags& flags) {
  const char* group = "Cost";
  app.add_option("--tokens-total", flags.tokens_total, "tokens to train or serve: 14.8T, 500B")
      ->capture_default_str()
      ->group(group);
  app.add_option("--price", flags.price, "USD per GPU-hour")->capture_default_str()->group(group);
  app.add_option("--goodput", flags.goodput, "share of the time that advances the work")
      ->capture_default_str()
      ->group(group);
  app.add_option("--watts", flags.watts, "electric power of one GPU (its datasheet's)")
      ->group(group);
  app.add_option("--pue", flags.pue, "power of the building per power of the GPUs")
      ->capture_default_str()
      ->group(group);
}

void add_plan_flags(CLI::App& app, ThroughputFlags& flags) {
  const char* group = "Training plan (what is left out is searched)";
  app.add_option("--ep", flags.expert, "expert parallel ranks")->group(group);
  app.add_option("--tp", flags.tensor, "tensor parallel ranks")->group(group);
  app.add_option("--pp", flags.pipeline, "pipeline stages")->group(group);
  app.add_option("--micro-batch", flags.micro_batch, "sequences per micro-batch")->group(group);
  app.add_option("--global-batch", flags.global_batch, "sequences per step")
      ->capture_default_str()
      ->group(group);
  app.add_option("--zero", flags.zero_stage, "ZeRO stage, 0 to 3")->group(group);
  app.add_option("--schedule", flags.schedule, "1f1b | zb1p | dualpipe")
      ->capture_default_str()
      ->group(group);
  app.add_option("--recompute", flags.recompute, "yes | no | auto")
      ->capture_default_str()
      ->group(group);
  app.add_option("--optimizer", flags.optimizer, "adamw | adamw_bf16 | sgd")
      ->capture_default_str()
      ->group(group);
  app.add_flag("--fp8", flags.fp8, "GEMMs in 8 bits")->group(group);
  app.add_flag("--eager", flags.eager, "a framework without CUDA graphs")->group(group);
}

void add_serving_flags(CLI::App& app, ThroughputFlags& flags) {
  const char* group = "Serving";
  app.add_option("--context", flags.context, "tokens of a sequence (--seq-len)")->group(group);
  app.add_option("--sequences", flags.sequences,
                 "sequences at once per tensor group; 0 = the most that fit")
      ->group(group);
  app.add_option("--weight-bits", flags.weight_bits, "8 | 16")->capture_default_str()->group(group);
  app.add_option("--cache-bits", flags.cache_bits, "8 | 16")->capture_default_str()->group(group);
}

void add_basis_flags(CLI::App& app, ThroughputFlags& flags, ThroughputOptions& options) {
  const char* group = "Basis";
  app.add_option("--from", options.from, "layer times of a saved bench run: id, folder or last")
      ->type_name("RUN")
      ->group(group);
  app.add_flag("--measure", options.measure, "measure the layer on this machine first")
      ->group(group);
  add_device_flag(app, options.device, "for --measure: auto | cpu | cuda[:i]", group);
  add_variants_flag(app, flags.variants, group);
  app.add_option("--baseline", flags.baseline, "variant that savings are relative to (the first)")
      ->type_name("VARIANTS")
      ->group(group);
  app.add_option("--set", flags.settings, "FACTOR=VALUE (throughput factors lists them)")
      ->type_name("SETTING")
      ->delimiter(',')
      ->group(group);
}

double bytes_of_bits(const char* flag, int bits) {
  if (bits == 8 || bits == 16) return bits / 8.0;
  throw Error(ErrorKind::usage, std::string(flag) + " " + std::to_string(bits), "",
              "8 and 16 are modelled");
}

/// Sizes of a plan or a batch. 0 stands for "left out" where it is allowed.
void require_size(const char* flag, std::int64_t size, std::int64_t least, const char* remedy) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (size >= least && size <= kMost) return;
  throw Error(ErrorKind::usage, fmt::format("{} {} is outside {} to {}", flag, size, least, kMost),
              "", remedy);
}

model::Network make_cluster(const ThroughputFlags& flags, const model::GpuPreset& gpu) {
  model::Network network =
      model::make_network(gpu, flags.network.empty() ? model::usual_infiniband(gpu)
                                                     : model::infiniband_preset(flags.network));
  if (flags.nvlink_gb) network.nvlink.bytes_per_s = 1e9 * *flags.nvlink_gb;
  if (flags.infiniband_gb) network.infiniband.bytes_per_s = 1e9 * *flags.infiniband_gb;
  model::check_network(network);
  return network;
}

model::TrainingSetup make_training(const ThroughputFlags& flags) {
  model::TrainingSetup setup;
  setup.model = resolve_model(flags.shape);
  setup.model.layer.dtype = DType::bf16;
  setup.model.layer.rounding.rule = RoundingRule::none;
  setup.gpu = model::gpu_preset(flags.gpu);
  setup.network = make_cluster(flags, setup.gpu);
  setup.fp8 = flags.fp8;
  setup.graphs = !flags.eager;
  setup.optimizer = parse_choice<model::Optimizer>("--optimizer", flags.optimizer,
                                                   {{"adamw", model::Optimizer::adamw},
                                                    {"adamw_bf16", model::Optimizer::adamw_bf16},
                                                    {"sgd", model::Optimizer::sgd}});
  // Groups of experts are nodes where the gate keeps only some (DeepSeek-V3).
  const Gate& gate = setup.model.layer.gate;
  if (gate.kept_groups < gate.num_groups) setup.node_limit = gate.kept_groups;
  return setup;
}

model::PlanWishes make_wishes(const ThroughputFlags& flags) {
  model::PlanWishes wishes;
  wishes.tensor = flags.tensor;
  wishes.pipeline = flags.pipeline;
  wishes.expert = flags.expert;
  wishes.micro_batch = flags.micro_batch;
  wishes.global_batch = flags.global_batch;
  wishes.zero_stage = flags.zero_stage;
  const int recompute =
      parse_choice<int>("--recompute", flags.recompute, {{"yes", 1}, {"no", 0}, {"auto", -1}});
  if (recompute >= 0) wishes.recompute = recompute == 1;
  wishes.schedule = parse_choice<model::Schedule>("--schedule", flags.schedule,
                                                  {{"1f1b", model::Schedule::one_f_one_b},
                                                   {"zb1p", model::Schedule::zero_bubble},
                                                   {"dualpipe", model::Schedule::dual_pipe}});
  for (const auto& [flag, size] : {std::pair{"--tp", wishes.tensor},
                                   {"--pp", wishes.pipeline},
                                   {"--ep", wishes.expert},
                                   {"--micro-batch", wishes.micro_batch}}) {
    require_size(flag, size, 0, "leave it out to search");
  }
  require_size("--global-batch", wishes.global_batch, 1, "give the sequences of one step, as 4096");
  return wishes;
}

model::ServingSetup make_serving(const ThroughputFlags& flags,
                                 const model::TrainingSetup& training) {
  model::ServingSetup setup;
  setup.model = training.model;
  setup.gpu = training.gpu;
  setup.network = training.network;
  setup.node_limit = training.node_limit;
  setup.bytes_per_weight = bytes_of_bits("--weight-bits", flags.weight_bits);
  setup.bytes_per_cached = bytes_of_bits("--cache-bits", flags.cache_bits);
  setup.context = flags.context > 0 ? flags.context : training.model.seq_len;
  setup.sequences = flags.sequences;
  require_size("--context", flags.context, 0, "give the tokens of a sequence, as 4096");
  require_size("--sequences", flags.sequences, 0, "leave it out for the most that fit");
  return setup;
}

/// A row of the tables; the first unless another one is wanted.
std::string baseline_of(const std::string& wanted, const std::vector<std::string>& rows) {
  if (wanted.empty()) return rows.front();
  if (std::find(rows.begin(), rows.end(), wanted) != rows.end()) return wanted;
  throw Error(ErrorKind::usage, config::unknown_name("baseline", wanted, rows),
              "savings are relative to one of the rows", "rows: " + config::listed(rows));
}

void apply_settings(const std::vector<std::string>& settings, model::FactorRange& factors) {
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos) {
      throw Error(ErrorKind::usage, "--set " + setting, "", "give FACTOR=VALUE, as traffic=2");
    }
    model::set_factor(factors, setting.substr(0, equals),
                      parse_amount("--set", setting.substr(equals + 1)));
  }
}

}  // namespace

void add_run_flags(CLI::App& app, ThroughputFlags& flags, ThroughputOptions& options) {
  flags.shape.given["config"] = "deepseek-v3";
  add_shape_flags(app, flags.shape);
  app.add_option("--phase", flags.phase, "train | prefill | decode")
      ->capture_default_str()
      ->group("Shape");
  add_cluster_flags(app, flags);
  add_cost_flags(app, flags);
  add_plan_flags(app, flags);
  add_serving_flags(app, flags);
  add_basis_flags(app, flags, options);
  add_output_flags(app, options.output);
}

double parse_amount(const char* flag, const std::string& text) {
  static const std::map<std::string, double> kUnits{{"", 1},    {"k", 1e3}, {"K", 1e3}, {"M", 1e6},
                                                    {"B", 1e9}, {"G", 1e9}, {"T", 1e12}};
  try {
    std::size_t used = 0;
    const double value = std::stod(text, &used);
    const std::size_t unit = std::min(text.find_first_not_of(' ', used), text.size());
    const auto found = kUnits.find(text.substr(unit));
    if (found != kUnits.end() && std::isfinite(value)) return value * found->second;
  } catch (const std::exception&) {
    // answered below
  }
  throw Error(ErrorKind::usage, std::string(flag) + " '" + text + "' is no amount", "",
              "write 14.8T, 500B, 3M, 16k or a plain number");
}

model::EstimateRequest make_request(const ThroughputFlags& flags) {
  model::EstimateRequest request;
  request.workload = parse_choice<model::Workload>("--phase", flags.phase,
                                                   {{"train", model::Workload::train},
                                                    {"prefill", model::Workload::prefill},
                                                    {"decode", model::Workload::decode}});
  request.training = make_training(flags);
  request.serving = make_serving(flags, request.training);
  request.serving.phase = request.workload == model::Workload::decode
                              ? model::ServingPhase::decode
                              : model::ServingPhase::prefill;
  const bool one_prompt = request.workload == model::Workload::prefill && flags.sequences == 0;
  if (one_prompt) request.serving.sequences = 1;
  request.variants = flags.variants.empty() ? std::vector<std::string>{"vanilla", "grouped_gemm",
                                                                       "grouped_gemm+rounding",
                                                                       "sonic+rounding", "sonic"}
                                            : flags.variants;
  for (const std::string& variant : request.variants) {
    model::plan_of(variant, request.training.model.layer, 128, false);  // refuses unknown names
  }
  request.baseline = baseline_of(flags.baseline, request.variants);
  request.gpus = flags.gpus.empty() ? std::vector<std::int64_t>{8} : flags.gpus;
  for (std::int64_t gpus : request.gpus) {
    constexpr std::int64_t kMost = 1'000'000;
    if (gpus >= 1 && gpus <= kMost) continue;
    throw Error(ErrorKind::usage, "--gpus " + std::to_string(gpus), "",
                "give 1 to 1,000,000 GPUs, as 8,64,1024");
  }
  for (std::int64_t gpus = 8; gpus <= 16'384; gpus *= 2) request.scaling.push_back(gpus);
  request.wishes = make_wishes(flags);
  apply_settings(flags.settings, request.factors);
  request.cost.tokens_total = parse_amount("--tokens-total", flags.tokens_total);
  request.cost.price_per_gpu_hour = flags.price;
  request.cost.goodput = flags.goodput;
  request.cost.gpu_watts = flags.watts.value_or(request.training.gpu.power_watts);
  request.cost.pue = flags.pue;
  model::cost_of(1, request.cost);  // refuses rules without meaning before anything is computed
  return request;
}

}  // namespace moe::programs
