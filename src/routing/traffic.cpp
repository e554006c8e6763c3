// Offsets of synthetic traffic; traffic.h says what each kind means. Each is strong enough to
// overrule the random router: its logits have a deviation near 0.12 with the suite's seeded inputs,
// and so differ by less than 1.5 within 16 million of them.
#include "routing/traffic.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>
#include <string>

#include "core/random.h"
#include "moe/error.h"

namespace moe::routing {
namespace {

/// Softmax gates see only the difference, 4. Sigmoid gates also see the middle, 0: it keeps both
/// sides where sigmoids are steep, so that among equals the logits still count beside a selection
/// bias, and apart, sigmoid(2 - 0.75) = 0.78 from sigmoid(-2 + 0.75) = 0.22.
constexpr float kPreferred = 2.0f, kOthers = -2.0f;

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

/// Which expert is preferred first, second, ...: a shuffle (Fisher-Yates) of all.
std::vector<std::int64_t> shuffled_experts(std::int64_t num_experts, std::uint64_t seed) {
  std::vector<std::int64_t> experts(num_experts);
  std::iota(experts.begin(), experts.end(), 0);
  for (std::int64_t i = num_experts - 1; i > 0; --i) {
    const auto bound = static_cast<std::uint32_t>(i + 1);
    std::swap(experts[i], experts[random_below(seed, RandomStream::expert_order, i, bound)]);
  }
  return experts;
}

/// Which K experts a token shall choose so that all are used equally.
class BalancedRuns {
 public:
  /// Tokens take turns: token t gets the K experts from t*K on, modulo E, so that after any number
  /// of tokens no two counts differ by more than one. Where such a run would need more groups than
  /// the gate keeps, token t turns to group t mod G and takes its turn inside that group.
  BalancedRuns(const LayerConfig& config, std::int64_t tokens)
      : num_experts_(config.num_experts),
        top_k_(config.top_k),
        num_groups_(config.gate.num_groups) {
    stays_in_group_ = most_groups_of_a_run(tokens) > config.gate.kept_groups;
    if (stays_in_group_) check_groups_balance(tokens);
  }

  std::int64_t expert(std::int64_t token, std::int64_t k) const {
    if (!stays_in_group_) return (token * top_k_ + k) % num_experts_;
    const std::int64_t size = num_experts_ / num_groups_;
    return token % num_groups_ * size + (token / num_groups_ * top_k_ + k) % size;
  }

 private:
  std::int64_t most_groups_of_a_run(std::int64_t tokens) const {
    const std::int64_t size = num_experts_ / num_groups_;
    const std::int64_t period = std::min(tokens, num_experts_);  // starts repeat after E tokens
    std::int64_t most = 0;
    for (std::int64_t t = 0; t < period; ++t) {
      const std::int64_t place_in_group = t * top_k_ % num_experts_ % size;
      most = std::max(most, (place_in_group + top_k_ - 1) / size + 1);
    }
    return std::min(most, num_groups_);
  }

  void check_groups_balance(std::int64_t tokens) const {
    const std::int64_t size = num_experts_ / num_groups_;
    if (top_k_ > size) {
      throw Error(
          ErrorKind::usage, "balanced traffic is impossible",
          "runs of " + std::to_string(top_k_) + " experts need more groups than the gate keeps",
          "keep one group more, or use natural traffic");
    }
    // Some groups get one token more than others.
    const std::int64_t fewest = tokens / num_groups_ * top_k_ / size;
    const std::int64_t most = ((tokens + num_groups_ - 1) / num_groups_ * top_k_ + size - 1) / size;
    if (fewest < tokens * top_k_ / num_experts_ ||
        most > (tokens * top_k_ + num_experts_ - 1) / num_experts_) {
      throw Error(
          ErrorKind::usage, "balanced traffic is impossible",
          std::to_string(tokens) + " tokens, each kept in one of " + std::to_string(num_groups_) +
              " groups, do not share out evenly",
          "use a multiple of " + std::to_string(num_groups_) + " tokens, or keep more groups");
    }
  }

  std::int64_t num_experts_, top_k_, num_groups_;
  bool stays_in_group_;
};

void prefer_balanced(const LayerConfig& config, std::int64_t tokens, std::vector<float>& offsets) {
  const BalancedRuns runs(config, tokens);
  std::fill(offsets.begin(), offsets.end(), kOthers);
  for (std::int64_t t = 0; t < tokens; ++t) {
    for (std::int64_t k = 0; k < config.top_k; ++k) {
      offsets[t * config.num_experts + runs.expert(t, k)] = kPreferred;
    }
  }
}

void prefer_hot(const LayerConfig& config, std::int64_t hot_experts, std::int64_t tokens,
                std::uint64_t seed, std::vector<float>& offsets) {
  const std::int64_t num_experts = config.num_experts;
  if (hot_experts > num_experts) {
    throw Error(ErrorKind::usage, "hot:" + std::to_string(hot_experts),
                "there are only " + std::to_string(num_experts) + " experts",
                "use hot:1 to hot:" + std::to_string(num_experts));
  }
  const std::vector<std::int64_t> experts = shuffled_experts(num_experts, seed);
  std::fill(offsets.begin(), offsets.end(), kOthers);
  for (std::int64_t t = 0; t < tokens; ++t) {
    for (std::int64_t i = 0; i < hot_experts; ++i)
      offsets[t * num_experts + experts[i]] = kPreferred;
  }
}

/// ln p_e per expert, p_e ~ 1 / rank^exponent. The p_e sum to K: then about K of the noisy offsets
/// are above 0, and the choice falls where a sigmoid is steepest and far from its equal floats
/// near 1.
std::vector<double> zipf_log_weights(const LayerConfig& config, double exponent,
                                     std::uint64_t seed) {
  const std::vector<std::int64_t> experts = shuffled_experts(config.num_experts, seed);
  std::vector<double> log_weights(config.num_experts);
  double sum = 0;
  for (std::int64_t i = 0; i < config.num_experts; ++i) {
    log_weights[experts[i]] = -exponent * std::log(static_cast<double>(i + 1));
    sum += std::exp(log_weights[experts[i]]);
  }
  for (double& value : log_weights) value += std::log(static_cast<double>(config.top_k) / sum);
  return log_weights;
}

/// The Gumbel top-k trick: the K largest of ln p_e + Gumbel noise are K draws without replacement
/// with probabilities p_e. Logarithms are taken in double, whose last bits the float32 result does
/// not show.
void prefer_zipf(const LayerConfig& config, double exponent, std::int64_t tokens,
                 std::uint64_t seed, std::vector<float>& offsets) {
  const std::vector<double> log_weights = zipf_log_weights(config, exponent, seed);
  const std::int64_t num_experts = config.num_experts;
  constexpr double kHalfStep = 1.0 / (1 << 25);  // moves [0, 1) into the open interval
#pragma omp parallel for schedule(static)
  for (std::int64_t t = 0; t < tokens; ++t) {
    for (std::int64_t e = 0; e < num_experts; ++e) {
      const auto index = static_cast<std::uint64_t>(t * num_experts + e);
      const double uniform = random_uniform(seed, RandomStream::traffic, index) + kHalfStep;
      offsets[index] = static_cast<float>(log_weights[e] - std::log(-std::log(uniform)));
    }
  }
}

/// "FILE" or "FILE@LAYER"; what follows the last @ is part of the name unless it is a number.
Traffic trace_traffic(std::string_view text) {
  Traffic traffic{.kind = TrafficKind::trace};
  const std::size_t at = text.rfind('@');
  const bool has_layer = at != std::string_view::npos &&
                         read_number(text.substr(at + 1), traffic.trace_layer) &&
                         traffic.trace_layer >= 0;
  if (!has_layer) traffic.trace_layer = 0;
  traffic.trace_file = has_layer ? text.substr(0, at) : text;
  return traffic;
}

}  // namespace

Traffic parse_traffic(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view kind = text.substr(0, colon), number = text.substr(colon);
  Traffic traffic;
  if (kind == "natural" && number.empty()) return traffic;
  if (kind == "balanced" && number.empty()) {
    traffic.kind = TrafficKind::balanced;
    return traffic;
  }
  if (kind == "zipf" && !number.empty() && read_number(number.substr(1), traffic.exponent) &&
      std::isfinite(traffic.exponent) && traffic.exponent >= 0) {
    traffic.kind = TrafficKind::zipf;
    return traffic;
  }
  if (kind == "hot" && !number.empty() && read_number(number.substr(1), traffic.hot_experts) &&
      traffic.hot_experts >= 1) {
    traffic.kind = TrafficKind::hot;
    return traffic;
  }
  if (kind == "trace" && number.size() > 1) return trace_traffic(number.substr(1));
  throw Error(ErrorKind::usage, "routing '" + std::string(text) + "'",
              "not a known kind of traffic, or its number is missing or out of range",
              "use natural, balanced, zipf:S (S >= 0, for example zipf:1.2), hot:N (N >= 1) or "
              "trace:FILE[@LAYER]");
}

std::string to_string(const Traffic& traffic) {
  switch (traffic.kind) {
    case TrafficKind::natural: return "natural";
    case TrafficKind::balanced: return "balanced";
    case TrafficKind::zipf: {
      std::array<char, 32> digits;  // the shortest that read back as the same number
      const auto [end, error] =
          std::to_chars(digits.data(), digits.data() + digits.size(), traffic.exponent);
      return "zipf:" + std::string(digits.data(), end);
    }
    case TrafficKind::hot: return "hot:" + std::to_string(traffic.hot_experts);
    case TrafficKind::trace:
      return "trace:" + traffic.trace_file + "@" + std::to_string(traffic.trace_layer);
  }
  return "?";
}

std::vector<float> logit_offsets(const LayerConfig& config, const Traffic& traffic,
                                 std::int64_t tokens, std::uint64_t seed) {
  if (traffic.kind == TrafficKind::natural || traffic.kind == TrafficKind::trace) return {};
  std::vector<float> offsets(tokens * config.num_experts);
  if (traffic.kind == TrafficKind::balanced) prefer_balanced(config, tokens, offsets);
  if (traffic.kind == TrafficKind::zipf) {
    prefer_zipf(config, traffic.exponent, tokens, seed, offsets);
  }
  if (traffic.kind == TrafficKind::hot) {
    prefer_hot(config, traffic.hot_experts, tokens, seed, offsets);
  }
  return offsets;
}

}  // namespace moe::routing
