// The share of one rank.
#include "measure/problem/ep_share.h"

#include <algorithm>

#include "core/seeded.h"
#include "measure/problem/problem.h"
#include "moe/error.h"
#include "routing/gate.h"
#include "routing/rows.h"

namespace moe::measure {
namespace {

constexpr float kLogitDeviation = 0.115f;  // 0.2 / sqrt(3): x and router of measure/problem.h

/// Pairs of every token with all experts, sorted by expert, then token.
struct AllRows {
  std::vector<std::int32_t> expert_offsets, row_tokens;
  std::vector<float> row_scores;
};

AllRows route_all(const LayerConfig& layer, std::int64_t tokens, const routing::Traffic& traffic,
                  std::uint64_t seed) {
  const std::int64_t E = layer.num_experts, K = layer.top_k;
  std::vector<float> logits(static_cast<std::size_t>(tokens * E));
  fill_normal({logits.data(), DType::f32, {tokens, E}}, seed, RandomStream::ep_logits,
              kLogitDeviation);
  const std::vector<float> offsets = routing::logit_offsets(layer, traffic, tokens, seed);
  for (std::size_t i = 0; i < offsets.size(); ++i) logits[i] += offsets[i];
  std::vector<float> bias(static_cast<std::size_t>(E));
  fill_normal({bias.data(), DType::f32, {E}}, seed, RandomStream::b_select,
              kSelectionBiasDeviation);

  const auto pairs = static_cast<std::size_t>(tokens * K);
  std::vector<std::int32_t> experts(pairs);
  std::vector<float> scores(pairs);
  std::vector<routing::TokenNorm> norms(static_cast<std::size_t>(tokens));
  routing::choose(layer, logits.data(), layer.gate.selection_bias ? bias.data() : nullptr, tokens,
                  experts.data(), scores.data(), norms.data());
  AllRows rows{std::vector<std::int32_t>(static_cast<std::size_t>(E) + 1),
               std::vector<std::int32_t>(pairs), std::vector<float>(pairs)};
  routing::build_rows(layer, experts.data(), scores.data(), tokens,
                      {rows.expert_offsets.data(), rows.row_tokens.data(), rows.row_scores.data()});
  return rows;
}

/// Tokens that own a row become 0, 1, ... in their order. Returns their number.
std::int64_t renumber(std::vector<std::int32_t>& row_tokens, std::int64_t tokens) {
  std::vector<std::int32_t> number(static_cast<std::size_t>(tokens), -1);
  for (std::int32_t token : row_tokens) number[static_cast<std::size_t>(token)] = 0;
  std::int32_t next = 0;
  for (std::int32_t& each : number) {
    if (each == 0) each = next++;
  }
  for (std::int32_t& token : row_tokens) token = number[static_cast<std::size_t>(token)];
  return next;
}

LayerConfig local_layer(LayerConfig layer, std::int64_t ranks) {
  layer.num_experts /= ranks;
  layer.top_k = std::min(layer.top_k, layer.num_experts);
  layer.gate = {};
  layer.rounding.rule = RoundingRule::none;
  layer.shared = {};
  return layer;
}

}  // namespace

EpShare ep_share(const LayerConfig& layer, std::int64_t tokens, const routing::Traffic& traffic,
                 std::uint64_t seed, std::int64_t rank, std::int64_t ranks) {
  if (ranks < 1 || rank < 1 || rank > ranks || layer.num_experts % ranks != 0) {
    throw Error(ErrorKind::usage,
                "--ep-rank " + std::to_string(rank) + "/" + std::to_string(ranks) + " of " +
                    std::to_string(layer.num_experts) + " experts",
                "every rank has the same number of experts, and ranks count from 1",
                "write it as --ep-rank 1/8, with a divisor of the number of experts");
  }
  const AllRows all = route_all(layer, tokens, traffic, seed);
  EpShare share;
  share.about = {rank, ranks, layer.num_experts, tokens};
  share.layer = local_layer(layer, ranks);
  const std::int64_t first = (rank - 1) * share.layer.num_experts;
  const std::int32_t begin = all.expert_offsets[first],
                     end = all.expert_offsets[first + share.layer.num_experts];
  routing::GivenRows& rows = share.rows;
  rows.max_rows = end - begin;
  for (std::int64_t e = 0; e <= share.layer.num_experts; ++e)
    rows.expert_offsets.push_back(all.expert_offsets[first + e] - begin);
  rows.row_tokens.assign(all.row_tokens.begin() + begin, all.row_tokens.begin() + end);
  rows.row_scores.assign(all.row_scores.begin() + begin, all.row_scores.begin() + end);
  share.tokens = renumber(rows.row_tokens, tokens);
  if (share.tokens == 0) {
    throw Error(ErrorKind::usage, "no token goes to rank " + std::to_string(rank), "",
                "use more tokens, another rank or other traffic");
  }
  rows.token_offsets.resize(static_cast<std::size_t>(share.tokens) + 1);
  rows.token_rows.resize(rows.row_tokens.size());
  routing::build_token_rows(rows.expert_offsets.data(), rows.row_tokens.data(),
                            share.layer.num_experts, share.tokens, rows.token_offsets.data(),
                            rows.token_rows.data());
  return share;
}

void parse_ep_rank(const std::string& text, std::int64_t& rank, std::int64_t& ranks) {
  const auto is_number = [](const std::string& part) {
    return !part.empty() && part.size() < 6 &&
           part.find_first_not_of("0123456789") == std::string::npos;
  };
  const std::size_t slash = text.find('/');
  const std::string left = text.substr(0, slash),
                    right = slash == std::string::npos ? "" : text.substr(slash + 1);
  if (!is_number(left) || !is_number(right)) {
    throw Error(ErrorKind::usage, "--ep-rank " + text + ": not a rank of a group", "",
                "write it as --ep-rank 1/8: the first of eight ranks");
  }
  rank = std::stoll(left);
  ranks = std::stoll(right);
}

}  // namespace moe::measure
