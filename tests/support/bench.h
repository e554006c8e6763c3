// A variant on a seeded problem, for tests: everything that owns memory, in the right order.
#pragma once

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

}  // namespace moe::tests
