// What is really touched: planted writes are found to the word, and real passes confirm their
// plans.
#include "measure/memory/memory_meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "measure/problem/memory_need.h"
#include "moe/error.h"
#include "support/bench.h"

namespace moe::measure {
namespace {

using testing::HasSubstr;

std::int64_t found(std::vector<std::byte>& bytes) {
  return high_water_bytes(tests::cpu(), {bytes.data(), bytes.size()});
}

TEST(HighWater, IsTheEndOfTheLastTouchedWord) {
  std::vector<std::byte> bytes(40 << 20, std::byte{kUntouched});
  EXPECT_EQ(found(bytes), 0);
  bytes[0] = std::byte{1};
  EXPECT_EQ(found(bytes), 8);
  for (const std::size_t at :
       {std::size_t{8}, std::size_t{16 << 20} - 1, std::size_t{16 << 20}, bytes.size() - 1}) {
    bytes[at] = std::byte{0};
    EXPECT_EQ(found(bytes), static_cast<std::int64_t>(at / 8 * 8 + 8)) << at;
  }
}

TEST(HighWater, OfAnOddSizeEndsWithIt) {
  std::vector<std::byte> bytes(13, std::byte{kUntouched});
  bytes[12] = std::byte{0};
  EXPECT_EQ(found(bytes), 13);
}

LayerConfig layer() {
  return {.hidden_dim = 64, .ffn_dim = 32, .num_experts = 8, .top_k = 2};
}

/// End of the last buffer of a region, as the plan places it.
std::int64_t planned_end(const Plan& plan, Region region) {
  std::int64_t end = 0;
  for (const Buffer& buffer : plan.buffers) {
    if (buffer.region != region || buffer.name == "gemm_scratch") continue;
    end = std::max(end, static_cast<std::int64_t>(buffer.offset + buffer.bytes));
  }
  return end;
}

TEST(MemoryMeter, FindsEverySavedRegionFullToItsLastWord) {
  const LayerConfig config = layer();
  MemoryMeter meter(tests::cpu(), config, 256, {}, 42);
  for (const char* name : {"vanilla", "grouped_gemm", "sonic"}) {
    const VariantChoice choice = parse_variant(DeviceKind::cpu, name);
    const Plan plan =
        choice.variant->plan(make_request(choice.config(config), 256, true), tests::cpu().traits());
    const record::MemoryReading reading = meter.read(choice, plan);
    const std::int64_t end = planned_end(plan, Region::saved);
    EXPECT_LE(reading.saved_bytes, static_cast<std::int64_t>(plan.saved_bytes)) << name;
    EXPECT_NEAR(static_cast<double>(reading.saved_bytes), static_cast<double>(end), 8) << name;
    EXPECT_LE(reading.workspace_bytes, static_cast<std::int64_t>(plan.workspace_bytes)) << name;
    EXPECT_GE(reading.workspace_bytes, reading.forward_workspace_bytes) << name;
    EXPECT_GT(reading.forward_workspace_bytes, 0) << name;
    EXPECT_EQ(reading.executed_pairs, 512) << name;
    EXPECT_GT(reading.seconds, 0) << name;
    EXPECT_GT(reading.allocated_bytes,
              static_cast<std::int64_t>(plan.saved_bytes + plan.workspace_bytes));
  }
}

TEST(MemoryMeter, SeesFewerRowsUnderRoundingDown) {
  LayerConfig config = layer();
  config.rounding = {RoundingRule::down, 16};
  MemoryMeter meter(tests::cpu(), config, 256, {}, 42);
  const VariantChoice choice = parse_variant(DeviceKind::cpu, "sonic+rounding");
  const Plan plan = choice.variant->plan(make_request(config, 256, true), tests::cpu().traits());
  const record::MemoryReading reading = meter.read(choice, plan);
  EXPECT_LT(reading.executed_pairs, 512);
  EXPECT_EQ(reading.executed_pairs % 16, 0);
  EXPECT_LT(reading.saved_bytes, static_cast<std::int64_t>(plan.saved_bytes)) << "H has slack";
}

/// Writes one byte behind the saved region.
class Trespasser final : public Layer {
 public:
  explicit Trespasser(std::size_t saved_bytes) : saved_bytes_(saved_bytes) {}
  void forward(const Call& call, const Weights&, const Inputs&, const Outputs&) override {
    call.saved.data[saved_bytes_ + 100] = std::byte{0};
  }
  void backward(const Call&, const Weights&, const Inputs&, TensorView,
                const InputGradients&) override {}
  Routing routing(Memory, std::int64_t) const override { return {}; }

 private:
  std::size_t saved_bytes_;
};

class TrespassingVariant final : public Variant {
 public:
  std::string_view name() const override { return "trespasser"; }
  std::string_view summary() const override { return ""; }
  std::optional<std::string> unsupported(const Request&, const DeviceTraits&) const override {
    return {};
  }
  Plan plan(const Request& request, const DeviceTraits& traits) const override {
    return find_variant(DeviceKind::cpu, "sonic")->plan(request, traits);
  }
  std::unique_ptr<Layer> make_layer(const Plan& plan, DeviceId) const override {
    return std::make_unique<Trespasser>(plan.saved_bytes);
  }
};

TEST(MemoryMeter, RefusesAWriteBehindTheRegion) {
  MemoryMeter meter(tests::cpu(), layer(), 64, {}, 42);
  const TrespassingVariant variant;
  const Plan plan = variant.plan(make_request(layer(), 64, true), tests::cpu().traits());
  try {
    meter.read({"trespasser", &variant, false}, plan);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::check_failed);
    EXPECT_THAT(error.what(), HasSubstr("saved region was written past its end"));
  }
}

}  // namespace
}  // namespace moe::measure
