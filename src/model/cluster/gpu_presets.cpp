// The table of GPUs. Dense rates: NVIDIA prints tensor-core rates with sparsity, twice these.
#include "model/cluster/gpu_presets.h"

#include <array>
#include <vector>

#include "config/nearest_name.h"
#include "moe/error.h"

namespace moe::model {
namespace {

// Shares of the datasheet that the H100 below sustained; for cards that we have not had.
constexpr double kAttainableFlops = 709.4 / 989.4;
constexpr double kAttainableBandwidth = 3.02 / 3.35;

/// A card in its datasheet's units.
struct Datasheet {
  std::string_view name, product;
  double bf16_tflops, fp8_tflops, memory_gb, memory_tb_per_s, nvlink_gb_per_s;
  int nvlink_gpus;
  double host_gb_per_s, watts;
  std::string_view source;
};

/// What we measured of it: TFLOP/s and TB/s.
struct Sustained {
  double bf16_tflops = 0, tb_per_s = 0;
  std::string_view source;
};

constexpr GpuPreset preset(const Datasheet& sheet, const Sustained& sustained = {}) {
  constexpr double kTera = 1e12, kGiga = 1e9;
  return {.name = sheet.name,
          .product = sheet.product,
          .bf16_flops_per_s = sheet.bf16_tflops * kTera,
          .fp8_flops_per_s = sheet.fp8_tflops * kTera,
          .memory_bytes = static_cast<std::int64_t>(sheet.memory_gb * kGiga),
          .memory_bytes_per_s = sheet.memory_tb_per_s * kTera,
          .nvlink_bytes_per_s = sheet.nvlink_gb_per_s * kGiga,
          .nvlink_gpus = sheet.nvlink_gpus,
          .pcie_bytes_per_s = sheet.host_gb_per_s * kGiga,
          .power_watts = sheet.watts,
          .sustained_bf16_flops_per_s = sustained.bf16_tflops * kTera,
          .sustained_bytes_per_s = sustained.tb_per_s * kTera,
          .source = sheet.source,
          .sustained_source = sustained.source};
}

constexpr Sustained kWarmH100{709.4, 3.02,
                              "measured 2026-11-23: cuBLAS 8192^3 and a large copy "
                              "from PyTorch 2.11, card at its power limit"};
constexpr Sustained kWarmH200{701.5, 4.24,
                              "measured 2026-11-23: as the H100; 640 to 700 warm, "
                              "790 TFLOP/s cold"};

// The host link of GB200 and GB300 is NVLink-C2C to Grace, half of its 450 GB/s.
// clang-format off
constexpr std::array kPresets{
    //     name     product                               bf16    fp8    GB    TB/s NVLink GPUs host   W
    preset({"a100",  "NVIDIA A100 SXM 80 GB",             312,    0,      80, 2.039, 300,  8,  32,  400,
            "NVIDIA A100 Tensor Core GPU datasheet"}),
    preset({"h100",  "NVIDIA H100 SXM 80 GB",             989.4,  1978.9, 80,  3.35, 450,  8,  64,  700,
            "NVIDIA H100 Tensor Core GPU datasheet"}, kWarmH100),
    preset({"h200",  "NVIDIA H200 SXM 141 GB",            989.4,  1978.9, 141, 4.8,  450,  8,  64,  700,
            "NVIDIA H200 Tensor Core GPU datasheet"}, kWarmH200),
    preset({"h800",  "NVIDIA H800 SXM 80 GB",             989.4,  1978.9, 80,  3.35, 200,  8,  64,  700,
            "NVIDIA H800 datasheet: an H100 with NVLink of 400 GB/s both ways (160 usable one way: "
            "arXiv 2412.19437)"}),
    preset({"b200",  "NVIDIA B200 SXM (HGX) 180 GB",      2250,   4500,   180, 8,    900,  8,  64, 1000,
            "NVIDIA HGX and DGX B200 datasheets, an eighth of the system"}),
    preset({"gb200", "NVIDIA GB200 NVL72, one GPU, 186 GB", 2500, 5000,   186, 8,    900, 72, 225, 1200,
            "NVIDIA GB200 NVL72 datasheet, a 72nd of the rack"}),
    preset({"gb300", "NVIDIA GB300 NVL72, one GPU, 279 GB", 2500, 5000,   279, 8,    900, 72, 225, 1400,
            "NVIDIA GB300 NVL72 datasheet, a 72nd of the rack"}),
};
// clang-format on

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
