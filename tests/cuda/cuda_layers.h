// CUDA layers for tests: which variants this GPU has, the cases, and a variant on a seeded problem
// of its device memory.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gpu.h"
#include "measure/problem/memory_need.h"
#include "measure/problem/problem.h"
#include "measure/run/trial.h"
#include "measure/verify/verify.h"
#include "moe/moe.h"
#include "support/amplify.h"
#include "support/bench.h"
#include "support/cases.h"

namespace moe::cuda_layers {

using tests::Case;
using tests::check_everything;
using tests::first_gpu;

inline std::vector<const char*> hopper_variants() {
  if (!tests::no_hopper_reason().empty()) return {};
  return {"grouped_gemm", "sonic"};
}

/// vanilla, and on Hopper the others.
inline std::vector<const char*> all_variants() {
  std::vector<const char*> all = hopper_variants();
  all.insert(all.begin(), "vanilla");
  return all;
}

struct Bench {
  measure::VariantChoice choice;
  Plan plan;
  measure::Problem problem;
  measure::Workbench workbench;
  measure::Trial trial;

  Bench(const std::string& variant, const Case& test, const Request& request)
      : choice(measure::parse_variant(DeviceKind::cuda, variant)),
        plan(choice.variant->plan(request, first_gpu()->traits())),
        problem(*first_gpu(), test.config, test.tokens, test.traffic, 7),
        workbench(*first_gpu(), test.config, test.tokens, request.max_rows, request.training,
                  plan.saved_bytes + plan.workspace_bytes + 4096),
        trial(*first_gpu(), choice, plan, problem, workbench) {}
  Bench(const std::string& variant, const Case& test)
      : Bench(variant, test, measure::make_request(test.config, test.tokens, true)) {}
};

/// Brings the gradients of all experts to the host.
inline std::vector<truth::ExpertScope> all_experts(const measure::HostResult& result,
                                                   const LayerConfig& config) {
  std::vector<truth::ExpertScope> experts;
  for (std::int64_t e = 0; e < config.num_experts; ++e) experts.emplace_back(result.experts, e);
  return experts;
}

inline void expect_true(const std::string& variant, const Case& test, bool training = true) {
  SCOPED_TRACE(test.name + " " + variant + (training ? "" : ", inference"));
  Bench bench(variant, test, measure::make_request(test.config, test.tokens, training));
  tests::amplify(*first_gpu(), bench.problem, test.config);
  measure::VerifyOptions options = check_everything();
  options.backward = training;
  const auto reason = bench.choice.variant->unsupported(bench.plan.request, first_gpu()->traits());
  ASSERT_FALSE(reason.has_value()) << *reason;
  const measure::HostResult result = bench.trial.run_for_check();
  for (const record::Check& check :
       measure::verify(bench.problem.host(test.config), result, options)) {
    EXPECT_TRUE(check.passed) << check.what << ": error " << check.error << " at " << check.where;
  }
}

/// The awkward shapes with rows of 16 bytes, one with several tiles per expert, and one whose
/// experts are wide enough for `sonic` to gather dO and X in steps of their own.
inline std::vector<Case> gpu_cases() {
  std::vector<Case> cases = tests::awkward_cases();
  for (Case& test : cases) {
    test.config.hidden_dim = (test.config.hidden_dim + 7) / 8 * 8;
    test.config.ffn_dim = (test.config.ffn_dim + 7) / 8 * 8;
    test.config.dtype = DType::bf16;
  }
  Case large{"several_tiles",
             tests::layer(200, 328, 8, 2),
             1500,
             {.kind = routing::TrafficKind::zipf, .exponent = 0.8}};
  Case wide{"wide_experts", tests::layer(72, 4104, 4, 2), 200, {}};
  for (Case* test : {&large, &wide}) {
    test->config.dtype = DType::bf16;
    cases.push_back(*test);
  }
  return cases;
}

class CudaLayerTest : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!tests::no_gpu_reason().empty()) GTEST_SKIP() << tests::no_gpu_reason();
  }
};

/// Biases and a gated shared expert, with the activation of nobody's instance.
inline Case with_everything(Case test) {
  test.config.activation = Activation::geglu;
  test.config.expert_bias = test.config.gate.logit_bias = true;
  test.config.shared = {.ffn_dim = 328, .gated = true};
  return test;
}

/// Every rule, on tiles small enough for the shape to keep some rows; the large shape on those of
/// GEMMs.
inline std::vector<Rounding> roundings_for(const Case& test) {
  std::vector<Rounding> all = tests::roundings();
  for (const Rounding& rounding : tests::seeded_roundings()) all.push_back(rounding);
  std::erase_if(all, [](const Rounding& r) { return r.rule == RoundingRule::none; });
  if (test.name == "several_tiles") {
    for (std::int64_t tile : {64, 128, 256}) all.push_back({RoundingRule::nearest, tile});
  }
  return all;
}

}  // namespace moe::cuda_layers
