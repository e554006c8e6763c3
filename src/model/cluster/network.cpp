// The table of links between nodes, and what a network must be to carry anything.
#include "model/cluster/network.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "config/nearest_name.h"
#include "moe/error.h"

namespace moe::model {
namespace {

// Latency of a 64-byte message: "Insights into DeepSeek-V3" (ISCA 2025), table 5.
constexpr double kNvlinkLatency = 3.33e-6;
constexpr double kInfinibandLatency = 3.7e-6;

constexpr double kGiga = 1e9;

constexpr std::array kPresets{
    InfinibandPreset{"hdr200", 25 * kGiga, "one 200 Gbit/s HDR port per GPU (DGX A100)"},
    InfinibandPreset{"ndr400", 50 * kGiga, "one 400 Gbit/s NDR port per GPU (DGX H100, H800)"},
    InfinibandPreset{"xdr800", 100 * kGiga, "one 800 Gbit/s port per GPU (DGX GB300)"},
};

void require_bandwidth(const char* link, const Link& value) {
  constexpr double kMost = 1e15;  // a slip of the hand beyond it
  if (value.bytes_per_s > 0 && value.bytes_per_s <= kMost) return;
  if (value.bytes_per_s > kMost) {
    throw Error(ErrorKind::usage, std::string(link) + " bandwidth is above a petabyte per second",
                "", "the flags take GB/s, as 450");
  }
  throw Error(ErrorKind::usage, std::string(link) + " bandwidth is not above zero",
              "nothing could be sent", "give what one GPU sends, as 50 GB/s");
}

}  // namespace

std::int64_t Network::ranks_per_node(std::int64_t ranks) const {
  return std::min(ranks, gpus_per_node);
}

std::int64_t Network::nodes(std::int64_t ranks) const {
  return (ranks + gpus_per_node - 1) / gpus_per_node;
}

std::span<const InfinibandPreset> infiniband_presets() {
  return kPresets;
}

const InfinibandPreset& infiniband_preset(std::string_view name) {
  const std::string wanted = config::lower_case(name);
  std::vector<std::string> known;
  for (const InfinibandPreset& preset : kPresets) {
    if (preset.name == wanted) return preset;
    known.emplace_back(preset.name);
  }
  throw Error(ErrorKind::usage, config::unknown_name("network", name, known), "",
              "known: " + config::listed(known));
}

const InfinibandPreset& usual_infiniband(const GpuPreset& gpu) {
  if (gpu.name == "a100") return infiniband_preset("hdr200");
  if (gpu.name == "gb300") return infiniband_preset("xdr800");
  return infiniband_preset("ndr400");
}

Network make_network(const GpuPreset& gpu, const InfinibandPreset& infiniband) {
  return {.nvlink = {gpu.nvlink_bytes_per_s, kNvlinkLatency},
          .infiniband = {infiniband.bytes_per_s, kInfinibandLatency},
          .gpus_per_node = gpu.nvlink_gpus};
}

void check_network(const Network& network) {
  require_bandwidth("NVLink", network.nvlink);
  require_bandwidth("InfiniBand", network.infiniband);
  if (network.gpus_per_node >= 1) return;
  throw Error(ErrorKind::usage, "a node has no GPU", "", "give at least 1 GPU per node");
}

}  // namespace moe::model
