// Expected copies and alpha-beta times.
#include "model/cluster/collectives.h"

#include <algorithm>
#include <cmath>

namespace moe::model {
namespace {

/// Expected number of `places` that `draws` independent choices hit.
double expected_hits(double places, double draws) {
  return places * (1 - std::pow(1 - 1 / places, draws));
}

double transfer_s(const Link& link, const NetworkUse& use, double bytes) {
  return bytes == 0 ? 0 : link.latency_s + bytes / (link.bytes_per_s * use.efficiency);
}

}  // namespace

TokenCopies token_copies(Copies copies, std::int64_t top_k, std::int64_t ranks,
                         std::int64_t node_limit, const Network& network) {
  if (ranks <= 1) return {};
  const double all = static_cast<double>(ranks), chosen = static_cast<double>(top_k);
  const double near = static_cast<double>(network.ranks_per_node(ranks));
  const double nodes = static_cast<double>(network.nodes(ranks));
  const double travelling = copies == Copies::per_expert ? chosen : expected_hits(all, chosen);
  if (copies != Copies::per_node) {
    return {travelling * (near - 1) / all, travelling * (all - near) / all};
  }
  double reached = expected_hits(nodes, chosen);
  if (node_limit > 0) reached = std::min(reached, static_cast<double>(node_limit));
  return {travelling * (near - 1) / near, reached * (nodes - 1) / nodes};
}

double all_to_all_s(const Network& network, const NetworkUse& use, const TokenCopies& copies,
                    std::int64_t ranks, double tokens, double bytes_per_token) {
  if (ranks <= 1) return 0;
  const double volume = tokens * bytes_per_token;
  return use.launch_latency_s +
         std::max(transfer_s(network.nvlink, use, volume * copies.nvlink),
                  transfer_s(network.infiniband, use, volume * copies.infiniband));
}

double reduce_scatter_s(const Network& network, const NetworkUse& use, double bytes,
                        std::int64_t ranks, std::int64_t ranks_per_node) {
  if (ranks <= 1) return 0;
  const bool inside = ranks <= ranks_per_node;
  // A ring enters and leaves each node once for every rank it has there, on that rank's own port.
  const double between = network.infiniband.bytes_per_s * static_cast<double>(ranks_per_node);
  const double bandwidth =
      inside ? network.nvlink.bytes_per_s : std::min(network.nvlink.bytes_per_s, between);
  const double latency = inside ? network.nvlink.latency_s : network.infiniband.latency_s;
  const double count = static_cast<double>(ranks);
  // NCCL goes over to trees where rings get long: latency grows with the logarithm.
  return use.launch_latency_s + latency * std::ceil(std::log2(count)) +
         (count - 1) / count * bytes / (bandwidth * use.efficiency);
}

double all_reduce_s(const Network& network, const NetworkUse& use, double bytes, std::int64_t ranks,
                    std::int64_t ranks_per_node) {
  return 2 * reduce_scatter_s(network, use, bytes, ranks, ranks_per_node);
}

}  // namespace moe::model
