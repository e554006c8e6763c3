// Predictions of memory: the boundary of what fits, and what a run then really allocates.
#include "measure/problem/memory_need.h"

#include <gtest/gtest.h>

#include "measure/fake_device.h"
#include "measure/run/runner.h"

namespace moe::measure {
namespace {

LayerConfig rounded_layer() {
  LayerConfig config = tests::layer(64, 48, 16, 4);
  config.rounding = {RoundingRule::nearest, 32};
  return config;
}

std::int64_t needed(const VariantChoice& choice, const LayerConfig& config, std::int64_t tokens,
                    bool training) {
  const LayerConfig own = choice.config(config);
  const Plan plan =
      choice.variant->plan(make_request(own, tokens, training), tests::cpu().traits());
  return shared_tensor_bytes(own, tokens, training) + variant_bytes(plan).peak;
}

std::int64_t largest(const VariantChoice& choice, bool training, std::int64_t capacity) {
  return largest_tokens(choice, rounded_layer(), training, tests::cpu().traits(), capacity);
}

TEST(LargestTokens, FitAndOneStepMoreDoesNot) {
  const LayerConfig config = rounded_layer();
  for (const std::string& label : default_labels(DeviceKind::cpu)) {
    for (const bool training : {true, false}) {
      const VariantChoice choice = parse_variant(DeviceKind::cpu, label);
      for (const std::int64_t tokens : {640, 1000, 20000}) {
        SCOPED_TRACE(label + (training ? " training " : " inference ") + std::to_string(tokens));
        const std::int64_t capacity = needed(choice, config, tokens, training);
        const std::int64_t found = largest(choice, training, capacity);
        EXPECT_EQ(found, tokens / 64 * 64);
        EXPECT_LE(needed(choice, config, found, training), capacity);
        EXPECT_GT(needed(choice, config, found + 64, training), capacity);
      }
    }
  }
}

TEST(LargestTokens, AreExactWhenFew) {
  const VariantChoice choice = parse_variant(DeviceKind::cpu, "sonic");
  EXPECT_EQ(largest(choice, true, needed(choice, rounded_layer(), 33, true)), 33);
  EXPECT_EQ(largest(choice, true, needed(choice, rounded_layer(), 1, true)), 1);
  EXPECT_EQ(largest(choice, true, needed(choice, rounded_layer(), 1, true) - 1), 0);
  EXPECT_EQ(largest(choice, true, 0), 0);
}

TEST(VariantBytes, PeakIsWhatTheVariantDecides) {
  const VariantChoice choice = parse_variant(DeviceKind::cpu, "vanilla");
  const Plan plan =
      choice.variant->plan(make_request(rounded_layer(), 100, true), tests::cpu().traits());
  const record::Bytes bytes = variant_bytes(plan);
  EXPECT_EQ(bytes.saved, static_cast<std::int64_t>(plan.saved_bytes));
  EXPECT_EQ(bytes.workspace, static_cast<std::int64_t>(plan.workspace_bytes));
  EXPECT_EQ(bytes.peak, bytes.saved + bytes.workspace);
  EXPECT_EQ(bytes.weights, (16 * 64 + 16 * 3 * 64 * 48) * 4);
  EXPECT_EQ(bytes.gradients, bytes.weights);
  const Plan inference =
      choice.variant->plan(make_request(rounded_layer(), 100, false), tests::cpu().traits());
  EXPECT_EQ(variant_bytes(inference).gradients, 0);
}

/// Variants that save much and variants that scratch much must share memory for the sum to be this
/// small.
TEST(Estimate, IsWhatARunAllocates) {
  for (const bool backward : {true, false}) {
    for (const char* traffic : {"natural", "zipf:1"}) {
      FakeDevice device;
      BenchRequest request;
      request.model.layer = rounded_layer();
      request.model.seq_len = 3000;
      request.check = CheckLevel::off;
      request.variants = default_labels(DeviceKind::cpu);
      request.backward = backward;
      request.traffic = routing::parse_traffic(traffic);
      request.sampling = {.min_samples = 1, .max_samples = 1};
      const double estimated = static_cast<double>(estimate(device, request).needed_bytes);
      EXPECT_EQ(device.most_allocated_bytes, 0u) << "an estimate allocates nothing";
      record::Run run;
      run_bench(device, request,
                {[](const std::string&) {}, [](const record::Row&) {}, [] { return false; }}, run);
      EXPECT_LE(static_cast<double>(device.most_allocated_bytes), 1.001 * estimated);
      EXPECT_GE(static_cast<double>(device.most_allocated_bytes), 0.97 * estimated);
      EXPECT_EQ(device.allocated_bytes, 0u) << "everything is given back";
    }
  }
}

}  // namespace
}  // namespace moe::measure
