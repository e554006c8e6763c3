// Captured work: nothing runs before its replay, and a failed capture leaves the stream usable.
#include <gtest/gtest.h>

#include <stdexcept>

#include "cuda/device/device.h"
#include "moe/error.h"

namespace moe::cuda {
namespace {

class GraphTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto devices = make_cuda_devices();
    if (devices.empty()) GTEST_SKIP() << no_cuda_reason();
    device_ = std::move(devices.front());
    memory_ = device_->allocate(64);
    device_->fill_bytes(memory_, 1);
  }
  void TearDown() override {
    if (device_) device_->release(memory_);
  }

  unsigned char first_byte() {
    unsigned char byte = 0;
    device_->copy_to_host(&byte, memory_.data, 1);
    return byte;
  }

  std::unique_ptr<Device> device_;
  Memory memory_;
};

TEST_F(GraphTest, WorkRunsAtEveryReplayAndNotBefore) {
  const auto graph = device_->capture([&] { device_->fill_bytes(memory_, 2); });
  EXPECT_EQ(first_byte(), 1);
  graph->replay();
  EXPECT_EQ(first_byte(), 2);
  device_->fill_bytes(memory_, 3);
  graph->replay();
  EXPECT_EQ(first_byte(), 2);
}

TEST_F(GraphTest, ReplaysAreTimed) {
  const auto graph = device_->capture([&] { device_->fill_bytes(memory_, 2); });
  EXPECT_GT(device_->time([&] { graph->replay(); }), 0.0);
}

TEST_F(GraphTest, WaitingInsideFailsAndLeavesTheDeviceUsable) {
  EXPECT_THROW(device_->capture([&] { device_->synchronize(); }), Error);
  EXPECT_THROW(device_->capture([] { throw std::runtime_error("no"); }), std::runtime_error);
  device_->fill_bytes(memory_, 4);
  EXPECT_EQ(first_byte(), 4);
}

TEST_F(GraphTest, NothingIsAGraphToo) {
  device_->capture([] {})->replay();
  device_->synchronize();
}

}  // namespace
}  // namespace moe::cuda
