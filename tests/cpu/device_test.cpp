// The CPU as a device.
#include <gtest/gtest.h>

#include "moe/moe.h"

namespace moe::cpu {
namespace {

/// A type without arithmetic is a ceiling of 0, so that a run can go on to say what it skips.
TEST(CpuDevice, HasACeilingInTheTypesThatItComputesIn) {
  const auto found = devices(DeviceKind::cpu);
  ASSERT_EQ(found.size(), 1u);
  const Ceilings f32 = found[0]->measure_ceilings(DType::f32),
                 bf16 = found[0]->measure_ceilings(DType::bf16),
                 f16 = found[0]->measure_ceilings(DType::f16);
  EXPECT_GT(f32.gemm_flops_per_s, 0);
  EXPECT_GT(f32.copy_bytes_per_s, 0);
  EXPECT_EQ(bf16.gemm_flops_per_s > 0, found[0]->traits().has_bf16);
  EXPECT_GT(bf16.copy_bytes_per_s, 0);
  EXPECT_GT(f16.gemm_flops_per_s, 0) << "widened";
}

}  // namespace
}  // namespace moe::cpu
