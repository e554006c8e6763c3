// Writing tensors for others to check.
#include "measure/verify/dump.h"

#include <algorithm>
#include <vector>

#include "record/files.h"
#include "record/json.h"
#include "record/npy.h"

namespace moe::measure {
namespace {

std::vector<std::int64_t> shape_of(TensorView view) {
  return {view.shape.begin(), view.shape.begin() + view.rank};
}

/// Any float tensor as float32.
void write_float(const std::filesystem::path& file, TensorView view) {
  if (view.empty()) return;
  if (view.dtype == DType::f32) return record::write_npy(file, view.as<float>(), shape_of(view));
  std::vector<float> values(static_cast<std::size_t>(view.size()));
  const auto widen = [&]<class Element>(const Element* narrow) {
    std::transform(narrow, narrow + view.size(), values.begin(),
                   [](Element value) { return static_cast<float>(value); });
  };
  if (view.dtype == DType::f16) {
    widen(view.as<const float16>());
  } else {
    widen(view.as<const bfloat16>());
  }
  record::write_npy(file, values.data(), shape_of(view));
}

/// [rows, 2] of token and expert, by expert, then token.
std::vector<std::int32_t> routed_pairs(const HostResult& result) {
  std::vector<std::int32_t> pairs;
  for (std::size_t e = 0; e + 1 < result.expert_offsets.size(); ++e) {
    for (std::int32_t row = result.expert_offsets[e]; row < result.expert_offsets[e + 1]; ++row) {
      pairs.push_back(result.row_tokens[static_cast<std::size_t>(row)]);
      pairs.push_back(static_cast<std::int32_t>(e));
    }
  }
  return pairs;
}

/// Brings the tensors of every routed expert into memory.
std::vector<truth::ExpertScope> all_experts(truth::ExpertSource* source,
                                            const LayerConfig& config) {
  std::vector<truth::ExpertScope> experts;
  for (std::int64_t e = 0; e < config.num_experts; ++e) experts.emplace_back(source, e);
  return experts;
}

void write_routing(const std::filesystem::path& folder, const LayerConfig& config,
                   const HostResult& result) {
  if (config.rounding.rule == RoundingRule::none) {
    const std::int64_t tokens = static_cast<std::int64_t>(result.token_offsets.size()) - 1;
    record::write_npy(folder / "expert_ids.npy", result.chosen_experts.data(),
                      {tokens, config.top_k});
    record::write_npy(folder / "scores.npy", result.chosen_scores.data(), {tokens, config.top_k});
    return;
  }
  const std::int64_t rows = result.expert_offsets.back();
  record::write_npy(folder / "pairs.npy", routed_pairs(result).data(), {rows, 2});
  record::write_npy(folder / "pair_scores.npy", result.row_scores.data(), {rows});
}

}  // namespace

std::int64_t dump_bytes(const LayerConfig& config, std::int64_t tokens, std::int64_t num_variants,
                        bool backward) {
  const std::int64_t token_tensor = tokens * config.hidden_dim;
  const auto weights =
      static_cast<std::int64_t>(Problem::carved_bytes(config, true) / size_of(config.dtype));
  const std::int64_t shared = 2 * token_tensor + weights;
  const std::int64_t per_variant =
      token_tensor + (backward ? token_tensor + weights : 0) + 3 * max_routed_rows(config, tokens);
  return 4 * (shared + num_variants * per_variant);
}

void dump_problem(const std::filesystem::path& folder, const ModelConfig& model,
                  const Problem& problem) {
  const std::filesystem::path shared = folder / "shared";
  record::check_writable(shared);
  record::write_file(folder / "config.json", record::to_json(model));
  const truth::Problem host = problem.host(model.layer);
  const std::vector<truth::ExpertScope> experts = all_experts(host.experts, model.layer);
  const Weights& w = host.weights;
  write_float(shared / "x.npy", host.x);
  write_float(shared / "d_out.npy", host.d_out);
  write_float(shared / "logit_offsets.npy", host.logit_offsets);
  write_float(shared / "w_router.npy", w.w_router);
  write_float(shared / "w_up.npy", w.w_up);
  write_float(shared / "w_down.npy", w.w_down);
  write_float(shared / "b_router.npy", w.b_router);
  write_float(shared / "b_up.npy", w.b_up);
  write_float(shared / "b_down.npy", w.b_down);
  write_float(shared / "b_select.npy", w.b_select);
  write_float(shared / "w_shared_up.npy", w.w_shared_up);
  write_float(shared / "w_shared_down.npy", w.w_shared_down);
  write_float(shared / "w_shared_gate.npy", w.w_shared_gate);
}

void dump_result(const std::filesystem::path& folder, const std::string& variant,
                 const LayerConfig& config, const HostResult& result) {
  const std::vector<truth::ExpertScope> experts = all_experts(result.experts, config);
  const std::filesystem::path own = folder / variant;
  record::check_writable(own);
  write_routing(own, config, result);
  write_float(own / "out.npy", result.out);
  write_float(own / "d_x.npy", result.d_x);
  write_float(own / "d_w_router.npy", result.gradients.w_router);
  write_float(own / "d_w_up.npy", result.gradients.w_up);
  write_float(own / "d_w_down.npy", result.gradients.w_down);
  write_float(own / "d_b_router.npy", result.gradients.b_router);
  write_float(own / "d_b_up.npy", result.gradients.b_up);
  write_float(own / "d_b_down.npy", result.gradients.b_down);
  write_float(own / "d_w_shared_up.npy", result.gradients.w_shared_up);
  write_float(own / "d_w_shared_down.npy", result.gradients.w_shared_down);
  write_float(own / "d_w_shared_gate.npy", result.gradients.w_shared_gate);
}

}  // namespace moe::measure
