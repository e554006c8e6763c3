// Tile-aware token rounding (arXiv 2512.14080, section 5): which pairs each expert keeps.
//
// Every expert e has c_e chosen rows and shall have r_e. The output arrays hold the rows:
//
//   build_rows  |c_0    |c_1  |c_2      |
//   drop        |min|    |c_1 |min|          in parallel: the worst rows leave
//   close up    |min|c_1  |min|              min(c, r) rows each
//   spread      |r_0 |r_1       |r_2 |       room for what is missing: never above max(T K, sum r)
//   add         in parallel: the best unchosen pairs enter
//
// An expert that shrinks ranks only its chosen pairs and one that grows only the others, because
// every chosen pair outranks every other one; one that keeps its size ranks nothing. Only the rule
// stochastic_score ranks both, since the scores on both sides decide.
#include <omp.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <vector>

#include "core/rounding_rule.h"
#include "moe/error.h"
#include "routing/rows.h"

namespace moe::routing {
namespace {

using Key = std::uint64_t;

/// Greater is better: by score, then by lower token. Scores are positive, so their bits are ordered
/// as they are; NaN ranks as 0.
Key rank_key(float score, std::int64_t token) {
  const std::uint32_t score_bits = score > 0.0f ? std::bit_cast<std::uint32_t>(score) : 0u;
  return Key{score_bits} << 32 | static_cast<std::uint32_t>(~token);
}

std::int64_t token_of(Key key) {
  return static_cast<std::uint32_t>(~key);
}

float score_of(Key key) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(key >> 32));
}

/// One expert's span of the row arrays.
struct ExpertRows {
  std::int32_t* tokens;
  float* scores;
  std::int64_t count;  // chosen
};

/// The chosen pairs as keys, the best `kept` of them first.
void split_chosen(const ExpertRows& rows, std::int64_t kept, Key* keys) {
  for (std::int64_t i = 0; i < rows.count; ++i) keys[i] = rank_key(rows.scores[i], rows.tokens[i]);
  if (kept > 0) std::nth_element(keys, keys + kept - 1, keys + rows.count, std::greater<Key>());
}

/// The other pairs as keys, the best `added` > 0 of them first. `pair_score(token)` is the score
/// that an unchosen pair would have.
template <class PairScore>
void split_unchosen(const ExpertRows& rows, std::int64_t added, std::int64_t num_tokens, Key* keys,
                    PairScore pair_score) {
  std::int64_t num_keys = 0, next_chosen = 0;
  for (std::int64_t t = 0; t < num_tokens; ++t) {
    if (next_chosen < rows.count && rows.tokens[next_chosen] == t) {
      ++next_chosen;
    } else {
      keys[num_keys++] = rank_key(pair_score(t), t);
    }
  }
  std::nth_element(keys, keys + added - 1, keys + num_keys, std::greater<Key>());
}

void drop_worst(const ExpertRows& rows, std::int64_t kept, Key* keys) {
  if (kept == 0) return;
  split_chosen(rows, kept, keys);
  const Key worst_kept = keys[kept - 1];
  std::int64_t end = 0;
  for (std::int64_t i = 0; i < rows.count; ++i) {
    if (rank_key(rows.scores[i], rows.tokens[i]) < worst_kept) continue;
    rows.tokens[end] = rows.tokens[i];
    rows.scores[end] = rows.scores[i];
    ++end;
  }
}

template <class PairScore>
void add_best(const ExpertRows& rows, std::int64_t added, std::int64_t num_tokens, Key* keys,
              PairScore pair_score) {
  split_unchosen(rows, added, num_tokens, keys, pair_score);
  std::sort(keys, keys + added, [](Key a, Key b) { return token_of(a) < token_of(b); });
  // Merge from the back, where the span has room.
  std::int64_t chosen = rows.count;
  for (std::int64_t place = rows.count + added; added > 0;) {
    --place;
    const std::int64_t token = token_of(keys[added - 1]);
    if (chosen > 0 && rows.tokens[chosen - 1] > token) {
      --chosen;
      rows.tokens[place] = rows.tokens[chosen];
      rows.scores[place] = rows.scores[chosen];
    } else {
      --added;
      rows.tokens[place] = static_cast<std::int32_t>(token);
      rows.scores[place] = pair_score(token);
    }
  }
}

std::uint64_t sum_of_units(const Key* begin, const Key* end, float scale) {
  std::uint64_t sum = 0;
  for (const Key* key = begin; key < end; ++key) sum += score_units(score_of(*key), scale);
  return sum;
}

/// All that the steps share.
struct Rounder {
  const LayerConfig& config;
  const float* logits;
  const TokenNorm* norms;
  std::int64_t tokens;
  std::uint64_t seed;
  Key* scratch;  // `tokens` keys for each thread
  int num_threads;
  const Rows& rows;

  ExpertRows span(std::int64_t first, std::int64_t count) const {
    return {rows.row_tokens + first, rows.row_scores + first, count};
  }
  Key* own_keys() const { return scratch + omp_get_thread_num() * tokens; }
  auto pair_scores(std::int64_t expert) const {
    return [this, expert](std::int64_t t) {
      return pair_score(config, logits[t * config.num_experts + expert], norms[t]);
    };
  }
};

/// Rows of one expert by the rule stochastic_score.
std::int64_t count_by_scores(const Rounder& r, std::int64_t expert) {
  const std::int32_t* offsets = r.rows.expert_offsets;
  const Rounding& rounding = r.config.rounding;
  const ExpertRows own = r.span(offsets[expert], offsets[expert + 1] - offsets[expert]);
  const std::int64_t surplus = own.count % rounding.tile, missing = rounding.tile - surplus;
  if (surplus == 0 || own.count + missing > r.tokens) return own.count - surplus;
  Key* keys = r.own_keys();
  const float scale = r.config.gate.scale;
  split_chosen(own, own.count - surplus, keys);
  const std::uint64_t dropped = sum_of_units(keys + own.count - surplus, keys + own.count, scale);
  split_unchosen(own, missing, r.tokens, keys, r.pair_scores(expert));
  const std::uint64_t added = sum_of_units(keys, keys + missing, scale);
  return multiple_of_tile(rounding, own.count, r.tokens,
                          score_goes_up(r.seed, expert, dropped, added));
}

/// r_e of every expert.
std::vector<std::int64_t> decide(const Rounder& r) {
  const std::int64_t num_experts = r.config.num_experts;
  std::vector<std::int64_t> counts(num_experts);
  for (std::int64_t e = 0; e < num_experts; ++e) {
    counts[e] = r.rows.expert_offsets[e + 1] - r.rows.expert_offsets[e];
  }
  if (r.config.rounding.rule != RoundingRule::stochastic_score) {
    return rounded_counts(r.config.rounding, counts, r.tokens, r.seed);
  }
#pragma omp parallel for schedule(dynamic) num_threads(r.num_threads)
  for (std::int64_t e = 0; e < num_experts; ++e) counts[e] = count_by_scores(r, e);
  return counts;
}

void drop(const Rounder& r, const std::vector<std::int64_t>& rounded) {
  const std::int32_t* offsets = r.rows.expert_offsets;
#pragma omp parallel for schedule(dynamic) num_threads(r.num_threads)
  for (std::int64_t e = 0; e < r.config.num_experts; ++e) {
    const ExpertRows own = r.span(offsets[e], offsets[e + 1] - offsets[e]);
    if (rounded[e] < own.count) drop_worst(own, rounded[e], r.own_keys());
  }
}

void move_rows(const Rows& rows, std::int64_t from, std::int64_t to, std::int64_t count) {
  std::memmove(rows.row_tokens + to, rows.row_tokens + from, count * sizeof(std::int32_t));
  std::memmove(rows.row_scores + to, rows.row_scores + from, count * sizeof(float));
}

/// Brings the kept rows to where r_e rows of each expert begin, and writes the offsets. Returns how
/// many each expert kept.
std::vector<std::int64_t> make_room(const Rounder& r, const std::vector<std::int64_t>& rounded) {
  const std::int64_t num_experts = r.config.num_experts;
  std::int32_t* offsets = r.rows.expert_offsets;
  std::vector<std::int64_t> kept(num_experts);
  std::int64_t close = 0, first = 0;
  for (std::int64_t e = 0; e < num_experts; ++e) {
    kept[e] = std::min<std::int64_t>(offsets[e + 1] - offsets[e], rounded[e]);
    move_rows(r.rows, offsets[e], close, kept[e]);
    close += kept[e];
    offsets[e] = static_cast<std::int32_t>(first);
    first += rounded[e];
  }
  offsets[num_experts] = static_cast<std::int32_t>(first);
  for (std::int64_t e = num_experts - 1; e >= 0; --e) {  // to the right, so the last goes first
    close -= kept[e];
    move_rows(r.rows, close, offsets[e], kept[e]);
  }
  return kept;
}

void add(const Rounder& r, const std::vector<std::int64_t>& kept) {
  const std::int32_t* offsets = r.rows.expert_offsets;
#pragma omp parallel for schedule(dynamic) num_threads(r.num_threads)
  for (std::int64_t e = 0; e < r.config.num_experts; ++e) {
    const std::int64_t added = offsets[e + 1] - offsets[e] - kept[e];
    if (added == 0) continue;
    add_best(r.span(offsets[e], kept[e]), added, r.tokens, r.own_keys(), r.pair_scores(e));
  }
}

int threads_that_fit(std::int64_t tokens, std::size_t scratch_bytes) {
  int num_threads = omp_get_max_threads();
  while (num_threads > 0 && rounding_scratch_bytes(tokens, num_threads) > scratch_bytes) {
    --num_threads;
  }
  if (num_threads > 0) return num_threads;
  throw Error(ErrorKind::internal, "token rounding", "its scratch is too small for one thread",
              "plan rounding_scratch_bytes() for it");
}

}  // namespace

std::size_t rounding_scratch_bytes(std::int64_t tokens, int num_threads) {
  return static_cast<std::size_t>(tokens) * sizeof(Key) * static_cast<std::size_t>(num_threads);
}

void build_rounded_rows(const LayerConfig& config, const float* logits,
                        const std::int32_t* chosen_experts, const float* chosen_scores,
                        const TokenNorm* norms, std::int64_t tokens, std::byte* scratch,
                        std::size_t scratch_bytes, const Rows& rows, std::uint64_t seed) {
  const Rounder rounder{config,
                        logits,
                        norms,
                        tokens,
                        seed,
                        reinterpret_cast<Key*>(scratch),
                        threads_that_fit(tokens, scratch_bytes),
                        rows};
  build_rows(config, chosen_experts, chosen_scores, tokens, rows);
  const std::vector<std::int64_t> rounded = decide(rounder);
  drop(rounder, rounded);
  add(rounder, make_room(rounder, rounded));
}

}  // namespace moe::routing
