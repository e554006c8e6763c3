// The table of GPUs. Dense rates: NVIDIA prints tensor-core rates with sparsity, twice these.
#include "model/gpu_presets.h"

#include <array>
#include <vector>

#include "config/nearest_name.h"
#include "moe/error.h"

namespace moe::model {
namespace {

constexpr double kTera = 1e12;
constexpr double kGiga = 1e9;

// Shares of the datasheet that the H100 below sustained; for cards that we have not had.
constexpr double kAttainableFlops = 709.4 / 989.4;
constexpr double kAttainableBandwidth = 3.02 / 3.35;

constexpr GpuPreset kA100{.name = "a100",
                          .product = "NVIDIA A100 SXM 80 GB",
                          .bf16_flops_per_s = 312 * kTera,
                          .fp8_flops_per_s = 0,
                          .memory_bytes = 80'000'000'000,
                          .memory_bytes_per_s = 2.039 * kTera,
                          .nvlink_bytes_per_s = 300 * kGiga,
                          .nvlink_gpus = 8,
                          .pcie_bytes_per_s = 32 * kGiga,
                          .power_watts = 400,
                          .source = "NVIDIA A100 Tensor Core GPU datasheet"};

constexpr GpuPreset kH100{.name = "h100",
                          .product = "NVIDIA H100 SXM 80 GB",
                          .bf16_flops_per_s = 989.4 * kTera,
                          .fp8_flops_per_s = 1978.9 * kTera,
                          .memory_bytes = 80'000'000'000,
                          .memory_bytes_per_s = 3.35 * kTera,
                          .nvlink_bytes_per_s = 450 * kGiga,
                          .nvlink_gpus = 8,
                          .pcie_bytes_per_s = 64 * kGiga,
                          .power_watts = 700,
                          .sustained_bf16_flops_per_s = 709.4 * kTera,
                          .sustained_bytes_per_s = 3.02 * kTera,
                          .source = "NVIDIA H100 Tensor Core GPU datasheet",
                          .sustained_source =
                              "measured 2026-11-23: cuBLAS 8192^3 and a large copy "
                              "from PyTorch 2.11, card at its power limit"};

constexpr GpuPreset kH200{.name = "h200",
                          .product = "NVIDIA H200 SXM 141 GB",
                          .bf16_flops_per_s = 989.4 * kTera,
                          .fp8_flops_per_s = 1978.9 * kTera,
                          .memory_bytes = 141'000'000'000,
                          .memory_bytes_per_s = 4.8 * kTera,
                          .nvlink_bytes_per_s = 450 * kGiga,
                          .nvlink_gpus = 8,
                          .pcie_bytes_per_s = 64 * kGiga,
                          .power_watts = 700,
                          .sustained_bf16_flops_per_s = 701.5 * kTera,
                          .sustained_bytes_per_s = 4.24 * kTera,
                          .source = "NVIDIA H200 Tensor Core GPU datasheet",
                          .sustained_source =
                              "measured 2026-11-23: as the H100; 640 to 700 warm, "
                              "790 TFLOP/s cold"};

constexpr GpuPreset kH800{.name = "h800",
                          .product = "NVIDIA H800 SXM 80 GB",
                          .bf16_flops_per_s = 989.4 * kTera,
                          .fp8_flops_per_s = 1978.9 * kTera,
                          .memory_bytes = 80'000'000'000,
                          .memory_bytes_per_s = 3.35 * kTera,
                          .nvlink_bytes_per_s = 200 * kGiga,
                          .nvlink_gpus = 8,
                          .pcie_bytes_per_s = 64 * kGiga,
                          .power_watts = 700,
                          .source =
                              "NVIDIA H800 datasheet: an H100 with NVLink of 400 GB/s both "
                              "ways (160 usable one way: arXiv 2412.19437)"};

constexpr GpuPreset kB200{.name = "b200",
                          .product = "NVIDIA B200 SXM (HGX) 180 GB",
                          .bf16_flops_per_s = 2250 * kTera,
                          .fp8_flops_per_s = 4500 * kTera,
                          .memory_bytes = 180'000'000'000,
                          .memory_bytes_per_s = 8 * kTera,
                          .nvlink_bytes_per_s = 900 * kGiga,
                          .nvlink_gpus = 8,
                          .pcie_bytes_per_s = 64 * kGiga,
                          .power_watts = 1000,
                          .source = "NVIDIA HGX and DGX B200 datasheets, an eighth of the system"};

constexpr GpuPreset kGB200{.name = "gb200",
                           .product = "NVIDIA GB200 NVL72, one GPU, 186 GB",
                           .bf16_flops_per_s = 2500 * kTera,
                           .fp8_flops_per_s = 5000 * kTera,
                           .memory_bytes = 186'000'000'000,
                           .memory_bytes_per_s = 8 * kTera,
                           .nvlink_bytes_per_s = 900 * kGiga,
                           .nvlink_gpus = 72,
                           .pcie_bytes_per_s = 225 * kGiga,  // NVLink-C2C to Grace: half of 450
                           .power_watts = 1200,
                           .source = "NVIDIA GB200 NVL72 datasheet, a 72nd of the rack"};

constexpr GpuPreset kGB300{.name = "gb300",
                           .product = "NVIDIA GB300 NVL72, one GPU, 279 GB",
                           .bf16_flops_per_s = 2500 * kTera,
                           .fp8_flops_per_s = 5000 * kTera,
                           .memory_bytes = 279'000'000'000,
                           .memory_bytes_per_s = 8 * kTera,
                           .nvlink_bytes_per_s = 900 * kGiga,
                           .nvlink_gpus = 72,
                           .pcie_bytes_per_s = 225 * kGiga,
                           .power_watts = 1400,
                           .source = "NVIDIA GB300 NVL72 datasheet, a 72nd of the rack"};

constexpr std::array kPresets{kA100, kH100, kH200, kH800, kB200, kGB200, kGB300};

}  // namespace

double GpuPreset::attainable_flops_per_s() const {
  return sustained_bf16_flops_per_s > 0 ? sustained_bf16_flops_per_s
                                        : kAttainableFlops * bf16_flops_per_s;
}

double GpuPreset::attainable_bytes_per_s() const {
  return sustained_bytes_per_s > 0 ? sustained_bytes_per_s
                                   : kAttainableBandwidth * memory_bytes_per_s;
}

std::span<const GpuPreset> gpu_presets() {
  return kPresets;
}

const GpuPreset& gpu_preset(std::string_view name) {
  const std::string wanted = config::lower_case(name);
  std::vector<std::string> known;
  for (const GpuPreset& preset : kPresets) {
    if (preset.name == wanted) return preset;
    known.emplace_back(preset.name);
  }
  throw Error(ErrorKind::usage, config::unknown_name("GPU", name, known), "",
              "known: " + config::listed(known));
}

const GpuPreset* gpu_preset_of_device(std::string_view device_name) {
  const std::string name = config::lower_case(device_name);
  const auto says = [&](std::string_view word) { return name.find(word) != std::string::npos; };
  for (const char* cousin : {"pcie", "nvl", "40gb", "gh200"}) {  // same chip or name, other card
    if (says(cousin)) return nullptr;
  }
  const GpuPreset* longest = nullptr;  // "gb200" also contains "b200"
  for (const GpuPreset& preset : kPresets) {
    if (!says(preset.name)) continue;
    if (longest == nullptr || preset.name.size() > longest->name.size()) longest = &preset;
  }
  return longest;
}

}  // namespace moe::model
