// The table of GPUs: names, and figures that must stand in a sane relation to each other.
#include "model/cluster/gpu_presets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moe/error.h"

namespace moe::model {
namespace {

TEST(GpuPresets, AreFoundByNameWhateverTheCase) {
  EXPECT_EQ(gpu_preset("h100").name, "h100");
  EXPECT_EQ(gpu_preset("GB200").name, "gb200");
}

TEST(GpuPresets, AnswerAMisspeltNameWithTheNearest) {
  try {
    gpu_preset("h10");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("unknown GPU 'h10'"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("known: a100, h100"));
  }
}

TEST(GpuPresets, DatasheetFiguresAreCompleteAndSourced) {
  EXPECT_EQ(gpu_presets().size(), 7u);
  for (const GpuPreset& gpu : gpu_presets()) {
    SCOPED_TRACE(gpu.name);
    EXPECT_GE(gpu.bf16_flops_per_s, 300e12);
    EXPECT_TRUE(gpu.fp8_flops_per_s == 0 ||
                std::abs(gpu.fp8_flops_per_s / gpu.bf16_flops_per_s - 2) < 0.01);
    EXPECT_GE(gpu.memory_bytes, 80'000'000'000);
    EXPECT_GE(gpu.memory_bytes_per_s, 2e12);
    EXPECT_LT(gpu.nvlink_bytes_per_s, gpu.memory_bytes_per_s);
    EXPECT_LT(gpu.pcie_bytes_per_s, gpu.nvlink_bytes_per_s);
    EXPECT_GE(gpu.power_watts, 400);
    EXPECT_FALSE(gpu.source.empty());
  }
}

TEST(GpuPresets, NothingSustainsMoreThanItsDatasheet) {
  for (const GpuPreset& gpu : gpu_presets()) {
    SCOPED_TRACE(gpu.name);
    EXPECT_EQ(gpu.sustained_bf16_flops_per_s > 0, !gpu.sustained_source.empty());
    EXPECT_GT(gpu.attainable_flops_per_s(), 0.5 * gpu.bf16_flops_per_s);
    EXPECT_LT(gpu.attainable_flops_per_s(), gpu.bf16_flops_per_s);
    EXPECT_GT(gpu.attainable_bytes_per_s(), 0.8 * gpu.memory_bytes_per_s);
    EXPECT_LT(gpu.attainable_bytes_per_s(), gpu.memory_bytes_per_s);
  }
}

TEST(GpuPresets, KnowDriverNamesAndNotTheirCousins) {
  EXPECT_EQ(gpu_preset_of_device("NVIDIA H100 80GB HBM3")->name, "h100");
  EXPECT_EQ(gpu_preset_of_device("NVIDIA H200")->name, "h200");
  EXPECT_EQ(gpu_preset_of_device("NVIDIA GB200")->name, "gb200");
  EXPECT_EQ(gpu_preset_of_device("NVIDIA B200")->name, "b200");
  EXPECT_EQ(gpu_preset_of_device("NVIDIA A100-SXM4-80GB")->name, "a100");
  EXPECT_EQ(gpu_preset_of_device("NVIDIA A100-SXM4-40GB"), nullptr);
  EXPECT_EQ(gpu_preset_of_device("NVIDIA H100 PCIe"), nullptr);
  EXPECT_EQ(gpu_preset_of_device("NVIDIA GH200 480GB"), nullptr);
  EXPECT_EQ(gpu_preset_of_device("AMD EPYC"), nullptr);
}

}  // namespace
}  // namespace moe::model
