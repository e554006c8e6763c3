// GPUs that the calculators know without having one: what their datasheets state and, where we had
// the card in hand, what it sustained.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace moe::model {

/// One GPU. Datasheet figures are limits that nothing can pass; sustained ones are what a large
/// operation reached on a warm card, and 0 where we have not measured.
struct GpuPreset {
  std::string_view name;      // as in flags: "h100"
  std::string_view product;   // "NVIDIA H100 SXM 80 GB"
  double bf16_flops_per_s;    // datasheet, dense: without the factor two of 2:4 sparsity
  double fp8_flops_per_s;     // the same in 8 bits; 0 = not in hardware
  std::int64_t memory_bytes;  // datasheet, GB = 1e9. Drivers show up to 6 % more, contexts take 0.5
                              // GiB of it
  double memory_bytes_per_s;  // datasheet
  double nvlink_bytes_per_s;  // datasheet, one direction, all links of one GPU
  int nvlink_gpus;            // GPUs that reach each other over NVLink in the usual system
  double pcie_bytes_per_s;    // to host memory, one direction, datasheet
  double power_watts;         // datasheet, highest configuration
  double sustained_bf16_flops_per_s;  // measured: 8192^3 product of random data
  double sustained_bytes_per_s;       // measured: large copy, bytes read + bytes written
  std::string_view source;            // of the datasheet figures
  std::string_view sustained_source;  // empty where nothing was measured

  /// What a well-fed kernel reaches: measured, else the share of the datasheet that the measured
  /// Hopper cards reach (docs/measurement.md).
  double attainable_flops_per_s() const;
  double attainable_bytes_per_s() const;
};

std::span<const GpuPreset> gpu_presets();

/// Case does not count. Throws Error{usage} with the nearest known name.
const GpuPreset& gpu_preset(std::string_view name);

/// The preset of a driver's device name ("NVIDIA H100 80GB HBM3"); null for any other device.
const GpuPreset* gpu_preset_of_device(std::string_view device_name);

}  // namespace moe::model
