// Is a variant's result right? Compares it with the truth in two steps, so that a choice which
// hangs on the last bit of a logit never looks like an error:
//
//   1. the variant's logits against double
//   2. from the variant's own logits: choice, rounding and permutation exactly, and everything
//      after them against double with that routing
//
// Only a framework's choice (HostResult::exact_choice) may break ties in its own way; then the rest
// is compared with that choice.
//
// A routing that the caller gave is compared with what the variant ran, and has no logits to check.
//
// Every element is tested for NaN and infinity ("written": buffers are poisoned before a run);
// values are compared at sampled tokens, experts and ffn channels, each gradient reduced over all
// its tokens.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "moe/device.h"
#include "moe/layer.h"
#include "moe/routing.h"
#include "moe/tensor.h"
#include "record/record.h"
#include "truth/problem.h"
#include "truth/router.h"
#include "truth/tokens.h"
#include "truth/weight_gradients.h"

namespace moe::measure {

/// What a variant computed, copied to the host. Arrays by row may be longer than expert_offsets[E].
/// When the routing was given, logits and choice are those it was made from, or empty.
struct HostResult {
  std::vector<float> logits;                 // [T, E]
  std::vector<std::int32_t> expert_offsets;  // [E + 1]
  std::vector<std::int32_t> row_tokens;      // [rows]
  std::vector<float> row_scores;             // [rows]
  std::vector<std::int32_t> token_offsets;   // [T + 1]
  std::vector<std::int32_t> token_rows;      // [rows]
  std::vector<std::int32_t> chosen_experts;  // [T, K]
  std::vector<float> chosen_scores;          // [T, K]
  /// False: of a framework's top-k, whose choice may differ where values tie within 1e-6.
  bool exact_choice = true;
  TensorView out;       // [T, d]
  TensorView d_x;       // [T, d], backward only, as the following
  TensorView d_scores;  // f32 [rows], always wanted in backward
  Gradients gradients;  // an empty view is not checked
  /// Where w_up and w_down of `gradients` are only there while they are acquired; null: all are.
  truth::ExpertSource* experts = nullptr;
  /// Scans that the device made of its own memory, by name of the check: "out", "d_w_up".
  std::map<std::string, NotFinite> scanned;
};

/// Sample sizes; numbers above what the problem has mean all of it. First and last tokens, and the
/// smallest, the largest and an empty expert, are always among the samples.
struct VerifyOptions {
  std::int64_t sampled_tokens = 16;   // of logits, out, d_x and d_scores
  std::int64_t sampled_experts = 6;   // of weight gradients
  std::int64_t sampled_channels = 4;  // per expert: whole rows of d_w_up, columns of d_w_down
  std::uint64_t seed = 0;
  bool backward = true;
  const Routing* given = nullptr;  // the caller's own routing, as views of host memory
};

/// Largest norm-relative error that passes: 1e-5 for float32, 1e-2 for bfloat16, and
/// an eighth of that for float16, which has three bits more.
double tolerance_of(DType dtype);

/// Verifies the results of several variants on one problem. Truth values depend on problem and
/// routing alone, so variants that route alike share them.
class Verifier {
 public:
  /// `problem` is a set of views: its memory must outlive the verifier.
  Verifier(const truth::Problem& problem, const VerifyOptions& options);

  /// One check per thing compared, in the order of computation. Error: ||got - want|| / ||want||
  /// over the samples, or the number of mismatches for exact checks; NaN never passes. d_w_up and
  /// d_w_down: of the worst sampled expert. d_w_router: from the variant's own d_scores, relative
  /// to its terms where they cancel. Stops after a failed routing, whose values nobody knows.
  /// Throws Error{internal} when the result lacks what is to be compared.
  std::vector<record::Check> verify(const HostResult& result);

 private:
  /// Truth values for one routing.
  struct Expected {
    truth::RoutedRows routed;
    std::vector<std::int64_t> tokens, experts;
    std::vector<truth::TokenValues> token_values;
    std::vector<truth::Channel> channels;
    std::vector<truth::ChannelGradient> channel_gradients;
  };
  const Expected& expected_for(const truth::RoutedRows& routed);
  std::optional<truth::RoutedRows> check_routing(const HostResult& result,
                                                 std::vector<record::Check>& checks) const;
  void check_weights(const HostResult& result, const truth::RoutedRows& routed,
                     const Expected& want, std::vector<record::Check>& checks);

  truth::Problem problem_;
  VerifyOptions options_;
  std::list<Expected> remembered_;  // the latest first
  std::vector<double> d_w_shared_gate_;
};

/// Verifier for a single result.
std::vector<record::Check> verify(const truth::Problem& problem, const HostResult& result,
                                  const VerifyOptions& options);

}  // namespace moe::measure
