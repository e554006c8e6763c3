// Devices with memory of their own, as GPUs: weights are made there and a second time on the host,
// an expert at a time, and results come to the host as far as they are compared.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "measure/comparison.h"
#include "measure/fake_result.h"
#include "record/scratch_folder.h"

namespace moe::measure {
namespace {

using testing::HasSubstr;

TEST(OwnMemory, HostTensorsAreTheDevices) {
  FakeDevice device;
  device.pretends_own_memory = true;
  LayerConfig config = tests::layer(32, 24, 6, 2);
  config.shared = {.ffn_dim = 16, .gated = true};
  config.gate.selection_bias = true;
  const Problem problem(device, config, 40, routing::parse_traffic("zipf:1"), 3);
  const truth::Problem host = problem.host(config);
  const auto expect_equal = [](TensorView a, TensorView b, const char* what) {
    ASSERT_FALSE(a.empty()) << what;
    EXPECT_NE(a.data, b.data) << what;
    EXPECT_EQ(std::memcmp(a.data, b.data, a.bytes()), 0) << what;
  };
  expect_equal(host.x, problem.x(), "x");
  expect_equal(host.d_out, problem.d_out(), "d_out");
  expect_equal(host.logit_offsets, problem.logit_offsets(), "logit_offsets");
  expect_equal(host.weights.w_router, problem.weights().w_router, "w_router");
  expect_equal(host.weights.b_select, problem.weights().b_select, "b_select");
  expect_equal(host.weights.w_shared_up, problem.weights().w_shared_up, "w_shared_up");
  expect_equal(host.weights.w_shared_gate, problem.weights().w_shared_gate, "w_shared_gate");
  for (std::int64_t e = 0; e < config.num_experts; ++e) host.experts->acquire(e);
  expect_equal(host.weights.w_up, problem.weights().w_up, "w_up");
  expect_equal(host.weights.w_down, problem.weights().w_down, "w_down");
  for (std::int64_t e = 0; e < config.num_experts; ++e) host.experts->release(e);
}

TEST(OwnMemory, AComparisonGivesTheSameChecks) {
  Comparison host, own;
  own.device.pretends_own_memory = true;
  EXPECT_TRUE(host.execute());
  EXPECT_TRUE(own.execute());
  for (const record::Row& row : host.run.rows) {
    const record::Row& other = own.row(row.variant);
    ASSERT_EQ(row.checks.size(), other.checks.size()) << row.variant;
    for (std::size_t i = 0; i < row.checks.size(); ++i) {
      EXPECT_EQ(row.checks[i].what, other.checks[i].what);
      EXPECT_EQ(row.checks[i].error, other.checks[i].error) << row.checks[i].what;
      EXPECT_TRUE(other.checks[i].passed);
    }
  }
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(OwnMemory, DumpedTensorsAreTheSame) {
  const record::ScratchFolder of_host, of_own;
  Comparison host, own;
  own.device.pretends_own_memory = true;
  host.request.dump_folder = of_host.path();
  own.request.dump_folder = of_own.path();
  for (Comparison* each : {&host, &own}) {
    each->request.variants = {"sonic", "sonic+rounding"};
    EXPECT_TRUE(each->execute());
  }
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(of_host.path())) {
    if (entry.path().extension() != ".npy") continue;
    const auto name = std::filesystem::relative(entry.path(), of_host.path());
    EXPECT_EQ(bytes_of(entry.path()), bytes_of(of_own.path() / name)) << name;
    ++files;
  }
  EXPECT_GT(files, 15);
}

TEST(OwnMemory, AnEmptyExpertIsComparedToo) {
  Comparison comparison;
  comparison.device.pretends_own_memory = true;
  comparison.request.model.layer.rounding = {RoundingRule::down, 64};
  comparison.request.variants = {"sonic+rounding"};
  EXPECT_TRUE(comparison.execute());
  const auto& checks = comparison.row("sonic+rounding").checks;
  EXPECT_TRUE(std::any_of(checks.begin(), checks.end(), [](const record::Check& check) {
    return check.what == "empty_experts" && check.passed;
  }));
}

TEST(OwnMemory, WhatTheDeviceFoundUnwrittenFails) {
  Fake fake;
  fake.result.scanned["d_w_up"] = {3, 2 * 24 * 16 + 5};
  const std::vector<record::Check> checks = fake.verify();
  EXPECT_EQ(checks[0].what, "written");
  EXPECT_FALSE(checks[0].passed);
  EXPECT_EQ(checks[0].error, 3);
  EXPECT_THAT(checks[0].where, HasSubstr("expert 2"));
}

}  // namespace
}  // namespace moe::measure
