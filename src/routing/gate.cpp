// The choice of experts and its gradient; gate.h states both. Tokens are independent of each other,
// so threads share them out and every token's arithmetic is the same on any number of threads.
#include "routing/gate.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "core/exact_math.h"
#include "moe/error.h"

namespace moe::routing {
namespace {

constexpr float kSigmoidSumFloor =
    1e-20f;  // keeps 0 / 0 out, as the DeepSeek-V3 reference code does

/// exp(l - shift) or sigmoid(l): what scores are a share of.
float unnormalized(const Gate& gate, float logit, float shift) {
  return gate.kind == GateKind::sigmoid ? sigmoid32(logit) : exp32(logit - shift);
}

struct Candidate {
  float value;
  std::int32_t index;
};

/// The best `capacity` of the candidates offered so far, best first. Of equal values the one
/// offered first is better, so offering by ascending index gives ties to the lower index.
class BestCandidates {
 public:
  explicit BestCandidates(std::int64_t capacity) : best_(capacity) {}

  void clear() { count_ = 0; }
  void offer(float value, std::int64_t index) {
    const bool full = count_ == best_.size();
    if (full && !(value > best_.back().value)) return;
    std::size_t place = full ? count_ - 1 : count_++;
    for (; place > 0 && value > best_[place - 1].value; --place) best_[place] = best_[place - 1];
    best_[place] = {value, static_cast<std::int32_t>(index)};
  }
  const std::vector<Candidate>& all() const { return best_; }

 private:
  std::vector<Candidate> best_;
  std::size_t count_ = 0;
};

/// Chooses for one token at a time, in scratch of its own: one per thread.
class TokenChooser {
 public:
  explicit TokenChooser(const LayerConfig& config)
      : config_(config),
        values_(config.num_experts),
        is_kept_(config.gate.num_groups),
        best_experts_(config.top_k),
        best_groups_(config.gate.kept_groups) {}

  /// Pointers are to the token's own rows.
  TokenNorm choose(const float* logits, const float* b_select, std::int32_t* experts,
                   float* scores) {
    compare(logits, b_select);
    keep_groups();
    const std::int64_t group_size = config_.num_experts / config_.gate.num_groups;
    best_experts_.clear();
    for (std::int64_t group = 0; group < config_.gate.num_groups; ++group) {
      if (!is_kept_[group]) continue;
      for (std::int64_t e = group * group_size; e < (group + 1) * group_size; ++e) {
        best_experts_.offer(values_[e], e);
      }
    }
    for (std::int64_t k = 0; k < config_.top_k; ++k) experts[k] = best_experts_.all()[k].index;
    const TokenNorm norm = normalize(logits, experts);
    for (std::int64_t k = 0; k < config_.top_k; ++k) {
      scores[k] = pair_score(config_, logits[experts[k]], norm);
    }
    return norm;
  }

  TokenNorm norm_of_choice(const float* logits, const std::int32_t* experts) {
    compare(logits, nullptr);
    return normalize(logits, experts);
  }

 private:
  void compare(const float* logits, const float* b_select) {
    const bool is_sigmoid = config_.gate.kind == GateKind::sigmoid;
    for (std::int64_t e = 0; e < config_.num_experts; ++e) {
      float value = is_sigmoid ? sigmoid32(logits[e]) : logits[e];
      if (is_sigmoid && b_select != nullptr) value += b_select[e];
      values_[e] = value == value ? value : -std::numeric_limits<float>::infinity();
    }
  }

  void keep_groups() {
    const Gate& gate = config_.gate;
    const bool keeps_all = gate.kept_groups == gate.num_groups;
    std::fill(is_kept_.begin(), is_kept_.end(), keeps_all);
    if (keeps_all) return;
    const std::int64_t group_size = config_.num_experts / gate.num_groups;
    best_groups_.clear();
    for (std::int64_t group = 0; group < gate.num_groups; ++group) {
      best_groups_.offer(group_score(&values_[group * group_size], group_size), group);
    }
    for (const Candidate& group : best_groups_.all()) is_kept_[group.index] = true;
  }

  float group_score(const float* values, std::int64_t count) const {
    float best = values[0];
    float second = -std::numeric_limits<float>::infinity();
    for (std::int64_t i = 1; i < count; ++i) {
      second = std::max(second, std::min(best, values[i]));
      best = std::max(best, values[i]);
    }
    return config_.gate.kind == GateKind::sigmoid && count > 1 ? best + second : best;
  }

  TokenNorm normalize(const float* logits, const std::int32_t* experts) {
    const Gate& gate = config_.gate;
    const bool is_sigmoid = gate.kind == GateKind::sigmoid;
    if (!renormalizes(gate)) return is_sigmoid ? TokenNorm{0.0f, 1.0f} : softmax_norm(logits);
    float shift = is_sigmoid ? 0.0f : logits[experts[0]];
    for (std::int64_t k = 1; k < config_.top_k && !is_sigmoid; ++k) {
      shift = std::max(shift, logits[experts[k]]);  // a choice made elsewhere has any order
    }
    float sum = 0.0f;
    for (std::int64_t k = 0; k < config_.top_k; ++k) {
      sum += unnormalized(gate, logits[experts[k]], shift);
    }
    return {shift, is_sigmoid ? sum + kSigmoidSumFloor : sum};
  }

  TokenNorm softmax_norm(const float* logits) {
    const float shift = *std::max_element(values_.begin(), values_.end());
    for (std::int64_t e = 0; e < config_.num_experts; ++e) values_[e] = exp32(logits[e] - shift);
    return {shift, lane_sum32(values_.data(), config_.num_experts)};
  }

  const LayerConfig& config_;
  std::vector<float> values_;  // [E] what is compared
  std::vector<char> is_kept_;  // [num_groups]
  BestCandidates best_experts_;
  BestCandidates best_groups_;
};

void check_choice_exists(const LayerConfig& config) {
  const Gate& gate = config.gate;
  const std::int64_t num_experts = config.num_experts;
  const bool groups_fit = gate.num_groups >= 1 && num_experts % gate.num_groups == 0 &&
                          gate.kept_groups >= 1 && gate.kept_groups <= gate.num_groups;
  if (groups_fit && config.top_k >= 1 &&
      config.top_k <= num_experts / gate.num_groups * gate.kept_groups) {
    return;
  }
  throw Error(ErrorKind::usage,
              "cannot choose " + std::to_string(config.top_k) + " of " +
                  std::to_string(num_experts) + " experts",
              std::to_string(gate.kept_groups) + " of " + std::to_string(gate.num_groups) +
                  " groups may be chosen from",
              "give groups that divide the experts, and keep enough of them for top_k");
}

}  // namespace

bool renormalizes(const Gate& gate) {
  return gate.kind == GateKind::topk_softmax || gate.renormalize;
}

float pair_score(const LayerConfig& config, float logit, TokenNorm norm) {
  return config.gate.scale * (unnormalized(config.gate, logit, norm.shift) / norm.denominator);
}

void choose(const LayerConfig& config, const float* logits, const float* b_select,
            std::int64_t tokens, std::int32_t* chosen_experts, float* chosen_scores,
            TokenNorm* norms) {
  check_choice_exists(config);
  const std::int64_t num_experts = config.num_experts, top_k = config.top_k;
#pragma omp parallel
  {
    TokenChooser chooser(config);
#pragma omp for schedule(static)
    for (std::int64_t t = 0; t < tokens; ++t) {
      norms[t] = chooser.choose(logits + t * num_experts, b_select, chosen_experts + t * top_k,
                                chosen_scores + t * top_k);
    }
  }
}

void norms_of_choice(const LayerConfig& config, const float* logits,
                     const std::int32_t* chosen_experts, std::int64_t tokens, TokenNorm* norms) {
#pragma omp parallel
  {
    TokenChooser chooser(config);
#pragma omp for schedule(static)
    for (std::int64_t t = 0; t < tokens; ++t) {
      norms[t] = chooser.norm_of_choice(logits + t * config.num_experts,
                                        chosen_experts + t * config.top_k);
    }
  }
}

}  // namespace moe::routing
