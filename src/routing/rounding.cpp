// Tile-aware token rounding (arXiv 2512.14080, section 5; the rule "NR-f", "UP" and "DOWN").
//
// Every expert e has c_e chosen rows and shall have r_e. The output arrays hold the rows:
//
//   build_rows  |c_0 |c_1      |c_2  |
//   spread      |max(c_0, r_0)   |max(c_1, r_1)|max(c_2, r_2)|    fits: max(c, r) < c + tile
//   round       in parallel, each expert in its span: the worst rows leave or unchosen pairs enter
//   close up    |r_0             |r_1     |r_2         |
//
// An expert that shrinks ranks only its chosen pairs and one that grows only the others, because
// every chosen pair outranks every other one; one that keeps its size ranks nothing.
#include <omp.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <vector>

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

/// One expert's span of the row arrays.
struct ExpertRows {
  std::int32_t* tokens;
  float* scores;
  std::int64_t count;  // chosen
};

void drop_worst(const ExpertRows& rows, std::int64_t kept, Key* keys) {
  if (kept == 0) return;
  for (std::int64_t i = 0; i < rows.count; ++i) keys[i] = rank_key(rows.scores[i], rows.tokens[i]);
  std::nth_element(keys, keys + kept - 1, keys + rows.count, std::greater<Key>());
  const Key worst_kept = keys[kept - 1];
  std::int64_t end = 0;
  for (std::int64_t i = 0; i < rows.count; ++i) {
    if (rank_key(rows.scores[i], rows.tokens[i]) < worst_kept) continue;
    rows.tokens[end] = rows.tokens[i];
    rows.scores[end] = rows.scores[i];
    ++end;
  }
}

/// `score_of(token)` is the score of an unchosen pair.
template <class ScoreOf>
void add_best(const ExpertRows& rows, std::int64_t added, std::int64_t num_tokens, Key* keys,
              ScoreOf score_of) {
  std::int64_t num_keys = 0, next_chosen = 0;
  for (std::int64_t t = 0; t < num_tokens; ++t) {
    if (next_chosen < rows.count && rows.tokens[next_chosen] == t) {
      ++next_chosen;
    } else {
      keys[num_keys++] = rank_key(score_of(t), t);
    }
  }
  std::nth_element(keys, keys + added - 1, keys + num_keys, std::greater<Key>());
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
      rows.scores[place] = score_of(token);
    }
  }
}

/// Where an expert's rows lie between spreading and closing up.
struct Span {
  std::int64_t first;
  std::int64_t chosen;   // c_e
  std::int64_t rounded;  // r_e
};

std::vector<Span> make_spans(const LayerConfig& config, const std::int32_t* expert_offsets,
                             std::int64_t tokens) {
  std::vector<Span> spans(config.num_experts);
  std::int64_t first = 0;
  for (std::int64_t e = 0; e < config.num_experts; ++e) {
    const std::int64_t chosen = expert_offsets[e + 1] - expert_offsets[e];
    spans[e] = {first, chosen, rounded_count(config.rounding, chosen, tokens)};
    first += std::max(chosen, spans[e].rounded);
  }
  return spans;
}

void move_rows(const Rows& rows, std::int64_t from, std::int64_t to, std::int64_t count) {
  std::memmove(rows.row_tokens + to, rows.row_tokens + from, count * sizeof(std::int32_t));
  std::memmove(rows.row_scores + to, rows.row_scores + from, count * sizeof(float));
}

/// Spans begin at or after the rows they take in, so the last expert goes first.
void spread(const std::vector<Span>& spans, const Rows& rows) {
  for (std::int64_t e = std::ssize(spans) - 1; e >= 0; --e) {
    move_rows(rows, rows.expert_offsets[e], spans[e].first, spans[e].chosen);
  }
}

void close_up(const std::vector<Span>& spans, const Rows& rows) {
  std::int64_t end = 0;
  for (std::size_t e = 0; e < spans.size(); ++e) {
    move_rows(rows, spans[e].first, end, spans[e].rounded);
    rows.expert_offsets[e] = static_cast<std::int32_t>(end);
    end += spans[e].rounded;
  }
  rows.expert_offsets[spans.size()] = static_cast<std::int32_t>(end);
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

std::int64_t rounded_count(const Rounding& rounding, std::int64_t count, std::int64_t tokens) {
  if (rounding.rule == RoundingRule::none) return count;
  const std::int64_t surplus = count % rounding.tile;
  const std::int64_t missing = rounding.tile - surplus;
  const bool wants_up = rounding.rule == RoundingRule::up ||
                        (rounding.rule == RoundingRule::nearest && missing < surplus);
  const bool goes_up = surplus > 0 && wants_up && count + missing <= tokens;
  return goes_up ? count + missing : count - surplus;
}

std::size_t rounding_scratch_bytes(std::int64_t tokens, int num_threads) {
  return static_cast<std::size_t>(tokens) * sizeof(Key) * static_cast<std::size_t>(num_threads);
}

void build_rounded_rows(const LayerConfig& config, const float* logits,
                        const std::int32_t* chosen_experts, const float* chosen_scores,
                        const TokenNorm* norms, std::int64_t tokens, std::byte* scratch,
                        std::size_t scratch_bytes, const Rows& rows) {
  // NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): the pragma reads it
  const int num_threads = threads_that_fit(tokens, scratch_bytes);
  build_rows(config, chosen_experts, chosen_scores, tokens, rows);
  const std::vector<Span> spans = make_spans(config, rows.expert_offsets, tokens);
  spread(spans, rows);
  const std::int64_t num_experts = config.num_experts;
#pragma omp parallel for schedule(dynamic) num_threads(num_threads)
  for (std::int64_t e = 0; e < num_experts; ++e) {
    const Span& span = spans[e];
    Key* keys = reinterpret_cast<Key*>(scratch) + omp_get_thread_num() * tokens;
    const ExpertRows own{rows.row_tokens + span.first, rows.row_scores + span.first, span.chosen};
    if (span.rounded < span.chosen) drop_worst(own, span.rounded, keys);
    if (span.rounded > span.chosen) {
      add_best(own, span.rounded - span.chosen, tokens, keys, [&](std::int64_t t) {
        return pair_score(config, logits[t * num_experts + e], norms[t]);
      });
    }
  }
  close_up(spans, rows);
}

}  // namespace moe::routing
