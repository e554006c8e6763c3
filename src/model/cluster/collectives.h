// Times of the exchanges that parallel training and serving make, by the alpha-beta model.
//
// Expert parallelism sends each token to the ranks that hold its experts and brings the outputs
// back. Ranks are neighbours: a group of EP ranks fills nodes one after another. With node-limited
// routing a copy crosses InfiniBand once per node and is copied on inside the node over NVLink.
#pragma once

#include <cstdint>

#include "model/cluster/network.h"

namespace moe::model {

/// How many copies of a token travel.
enum class Copies {
  per_expert,  // one per chosen expert, also when two sit on one rank
  per_rank,    // one per rank that holds a chosen expert
  per_node,    // one per node over InfiniBand, then one per rank over NVLink (DeepSeek-V3, DeepEP)
};

struct TokenCopies {
  double nvlink = 0;      // expected copies of one token that a rank sends inside its node
  double infiniband = 0;  // and to other nodes
};

/// Expected copies under uniform routing to `top_k` of the experts, which are spread evenly over
/// `ranks`. `node_limit` > 0: a token's experts lie on at most so many nodes (per_node only).
TokenCopies token_copies(Copies copies, std::int64_t top_k, std::int64_t ranks,
                         std::int64_t node_limit, const Network& network);

/// What the datasheet bandwidth and the launch of a collective cost in practice.
struct NetworkUse {
  double efficiency = 1;        // share of the bandwidth that large messages reach
  double launch_latency_s = 0;  // of every collective, on top of the link's own
};

/// One exchange of `tokens` tokens of `bytes_per_token` by each rank. Both links work at once: the
/// slower one counts. 0 for one rank.
double all_to_all_s(const Network& network, const NetworkUse& use, const TokenCopies& copies,
                    std::int64_t ranks, double tokens, double bytes_per_token);

/// Ring reduce-scatter or all-gather of a buffer of `bytes` over `ranks`, of which
/// `ranks_per_node` share a node: each rank sends (N-1)/N of it. 0 for one rank.
double reduce_scatter_s(const Network& network, const NetworkUse& use, double bytes,
                        std::int64_t ranks, std::int64_t ranks_per_node);
/// Both, one after the other: 2 (N-1)/N of the buffer.
double all_reduce_s(const Network& network, const NetworkUse& use, double bytes, std::int64_t ranks,
                    std::int64_t ranks_per_node);

}  // namespace moe::model
