// A variant on a seeded problem, for tests: everything that owns memory, in the right order.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "measure/problem/memory_need.h"
#include "measure/problem/problem.h"
#include "measure/run/trial.h"
#include "measure/verify/verify.h"
#include "moe/moe.h"
#include "support/cases.h"

namespace moe::tests {

inline Device& cpu() {
  static const std::unique_ptr<Device> device = std::move(devices(DeviceKind::cpu).front());
  return *device;
}

struct Bench {
  measure::VariantChoice choice;
  Plan plan;
  measure::Problem problem;
  measure::Workbench workbench;
  measure::Trial trial;

  Bench(const std::string& variant, const LayerConfig& config, std::int64_t tokens,
        const routing::Traffic& traffic, const Request& request, const DeviceTraits& traits)
      : choice(measure::parse_variant(DeviceKind::cpu, variant)),
        plan(choice.variant->plan(request, traits)),
        problem(cpu(), config, tokens, traffic, 7),
        workbench(cpu(), config, tokens, request.max_rows, request.training,
                  plan.saved_bytes + plan.workspace_bytes),
        trial(cpu(), choice, plan, problem, workbench) {}

  Bench(const std::string& variant, const Case& test)
      : Bench(variant, test.config, test.tokens, test.traffic,
              measure::make_request(test.config, test.tokens, true), cpu().traits()) {}
};

/// Every token, expert and channel is compared.
inline measure::VerifyOptions check_everything() {
  constexpr std::int64_t kAll = 1 << 20;
  return {.sampled_tokens = kAll, .sampled_experts = kAll, .sampled_channels = kAll};
}

inline std::vector<std::byte> bytes_of(TensorView view) {
  const auto* begin = view.as<std::byte>();
  return {begin, begin + view.bytes()};
}

/// The routing of a finished pass, to be given to another one; it borrows the arrays of `result`.
inline Routing routing_of(const measure::HostResult& result, const Case& test) {
  const std::int64_t rows = result.expert_offsets.back(), T = test.tokens;
  const auto ints = [](const std::vector<std::int32_t>& of, std::int64_t size) {
    return TensorView{const_cast<std::int32_t*>(of.data()), DType::i32, {size}};
  };
  return {ints(result.expert_offsets, test.config.num_experts + 1),
          ints(result.row_tokens, rows),
          {const_cast<float*>(result.row_scores.data()), DType::f32, {rows}},
          ints(result.token_offsets, T + 1),
          ints(result.token_rows, rows),
          rows,
          {},
          {}};
}

/// Checks a pass that was given `routing`, that of `own`, against the truth with that routing.
inline void expect_true_as_given(Bench& bench, const Case& test, const Routing& routing,
                                 const InputGradients& gradients, measure::HostResult own) {
  own.logits.clear();
  own.chosen_experts.clear();
  own.chosen_scores.clear();
  own.out = bench.workbench.outputs(false).out;
  own.d_x = gradients.d_x;
  own.d_scores = gradients.d_scores;
  own.gradients = gradients.weights;
  own.gradients.w_router = own.gradients.b_router = {};
  measure::VerifyOptions options = check_everything();
  options.given = &routing;
  for (const record::Check& check :
       measure::verify(bench.problem.host(test.config), own, options)) {
    EXPECT_TRUE(check.passed) << check.what << ": error " << check.error << " at " << check.where;
  }
}

}  // namespace moe::tests
