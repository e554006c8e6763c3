// Which token goes to which expert: the result of routing, as views into memory that somebody else
// owns.
//
// A *pair* is one (token, expert) with its score. Rows are pairs sorted by expert, then token:
//
//   expert_offsets  0     3     3        7          expert e owns rows [offsets[e], offsets[e+1])
//   row_tokens      2 5 9 |     | 0 2 5 7 | ...     ascending inside an expert
//   row_scores      . . . |     | . . . . | ...
//   token_rows      rows of token 0 | rows of token 1 | ...   ascending, ragged under rounding
#pragma once

#include <cstdint>

#include "moe/tensor.h"

namespace moe {

/// A caller that brings its own router fills the first five and leaves the two `chosen` views
/// empty.
struct Routing {
  TensorView expert_offsets;  // int32 [E + 1], device memory; offsets[E] <= max_rows
  TensorView row_tokens;      // int32 [max_rows]
  TensorView row_scores;      // f32   [max_rows]
  TensorView token_offsets;   // int32 [T + 1]
  TensorView token_rows;      // int32 [max_rows], the inverse of row_tokens
  std::int64_t max_rows = 0;

  /// The router's choice before rounding, best first; experts int32 [T, K], scores f32 [T, K].
  TensorView chosen_experts;
  TensorView chosen_scores;
};

}  // namespace moe
