// The links between GPUs: NVLink inside a node, InfiniBand between nodes. Times by the alpha-beta
// model: a fixed latency plus bytes over bandwidth.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "model/cluster/gpu_presets.h"

namespace moe::model {

/// One direction of what one GPU can send.
struct Link {
  double bytes_per_s = 0;
  double latency_s = 0;
};

/// A cluster as one GPU sees it.
struct Network {
  Link nvlink;      // to the other GPUs of its node
  Link infiniband;  // to other nodes
  std::int64_t gpus_per_node = 8;

  /// GPUs of one node that a group of `ranks` neighbours uses, and the nodes it spans.
  std::int64_t ranks_per_node(std::int64_t ranks) const;
  std::int64_t nodes(std::int64_t ranks) const;
};

/// Links between nodes that the calculators know by name.
struct InfinibandPreset {
  std::string_view name;  // "ndr400"
  double bytes_per_s;     // per GPU, one direction
  std::string_view source;
};

std::span<const InfinibandPreset> infiniband_presets();

/// Case does not count. Throws Error{usage} with the nearest known name.
const InfinibandPreset& infiniband_preset(std::string_view name);

/// What is usual beside such a GPU: hdr200 for A100, xdr800 for GB300, else ndr400.
const InfinibandPreset& usual_infiniband(const GpuPreset& gpu);

/// The node of `gpu` with these links between nodes.
Network make_network(const GpuPreset& gpu, const InfinibandPreset& infiniband);

/// Throws Error{usage} for a bandwidth that is not above zero or a node without GPUs.
void check_network(const Network& network);

}  // namespace moe::model
