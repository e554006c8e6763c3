// Links between GPUs and the exchanges over them.
#include "model/cluster/network.h"

#include <gmock/gmock.h>

#include "model/cluster/collectives.h"
#include "moe/error.h"

namespace moe::model {
namespace {

using ::testing::HasSubstr;

/// 8 GPUs per node, no latency: 400 GB/s inside, 50 GB/s between.
Network plain_network() {
  return {.nvlink = {400e9, 0}, .infiniband = {50e9, 0}, .gpus_per_node = 8};
}

TEST(Network, IsRefusedWithoutBandwidth) {
  Network network = plain_network();
  EXPECT_NO_THROW(check_network(network));
  network.infiniband.bytes_per_s = 0;
  EXPECT_THROW(
      {
        try {
          check_network(network);
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::usage);
          EXPECT_THAT(error.what(), HasSubstr("InfiniBand bandwidth"));
          throw;
        }
      },
      Error);
  network = plain_network();
  for (const double bandwidth : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    network.nvlink.bytes_per_s = bandwidth;
    EXPECT_THROW(check_network(network), Error) << bandwidth;
  }
}

TEST(Network, PresetsAreFoundByNameAndGpu) {
  EXPECT_EQ(infiniband_preset("NDR400").bytes_per_s, 50e9);
  EXPECT_THROW(infiniband_preset("ndr40"), Error);
  EXPECT_EQ(usual_infiniband(gpu_preset("a100")).name, "hdr200");
  EXPECT_EQ(usual_infiniband(gpu_preset("h800")).name, "ndr400");
  const Network rack = make_network(gpu_preset("gb200"), infiniband_preset("ndr400"));
  EXPECT_EQ(rack.nodes(64), 1);
  EXPECT_EQ(rack.nodes(73), 2);
}

TEST(TokenCopies, OneRankHasNoAllToAll) {
  for (Copies copies : {Copies::per_expert, Copies::per_rank, Copies::per_node}) {
    const TokenCopies none = token_copies(copies, 8, 1, 4, plain_network());
    EXPECT_EQ(none.nvlink + none.infiniband, 0);
    EXPECT_EQ(all_to_all_s(plain_network(), {1, 1e-5}, none, 1, 4096, 14336), 0);
  }
}

TEST(TokenCopies, PerExpertCountsEveryRemoteChoice) {
  const TokenCopies copies = token_copies(Copies::per_expert, 8, 64, 0, plain_network());
  EXPECT_DOUBLE_EQ(copies.nvlink + copies.infiniband, 8.0 * 63 / 64);
  EXPECT_DOUBLE_EQ(copies.nvlink, 8.0 * 7 / 64);
}

TEST(TokenCopies, DeduplicatedInsideANodeIsTheKnownFormula) {
  const TokenCopies copies = token_copies(Copies::per_rank, 8, 8, 0, plain_network());
  EXPECT_NEAR(copies.nvlink, 7 * (1 - std::pow(7.0 / 8, 8)), 1e-12);
  EXPECT_EQ(copies.infiniband, 0);
  const TokenCopies same = token_copies(Copies::per_node, 8, 8, 4, plain_network());
  EXPECT_NEAR(same.nvlink, copies.nvlink, 1e-12);
  EXPECT_EQ(same.infiniband, 0);
}

TEST(TokenCopies, NodeLimitCapsWhatCrossesInfiniband) {
  const TokenCopies free = token_copies(Copies::per_node, 8, 64, 0, plain_network());
  const TokenCopies limited = token_copies(Copies::per_node, 8, 64, 4, plain_network());
  EXPECT_DOUBLE_EQ(limited.infiniband, 4.0 * 7 / 8);
  EXPECT_GT(free.infiniband, limited.infiniband);
  EXPECT_LT(limited.infiniband,
            token_copies(Copies::per_rank, 8, 64, 0, plain_network()).infiniband);
}

// DeepSeek-V3: 4,096 tokens to at most 4 nodes, one byte each: 117 MB, 2.35 ms at 50 GB/s.
TEST(AllToAll, DeepSeekV3DispatchTakesItsPublishedTime) {
  const TokenCopies four_nodes{0, 4};
  EXPECT_NEAR(all_to_all_s(plain_network(), {1, 0}, four_nodes, 64, 4096, 7168), 2.35e-3, 0.01e-3);
}

TEST(AllToAll, TheSlowerLinkCountsAndLatencyComesOnTop) {
  Network network = plain_network();
  network.infiniband.latency_s = 5e-6;
  const TokenCopies copies{7, 1};
  const double nvlink_s = 1000 * 1000 * 7 / 400e9;
  const double infiniband_s = 5e-6 + 1000 * 1000 / (50e9 * 0.5);
  const double with_half = all_to_all_s(network, {0.5, 1e-5}, copies, 16, 1000, 1000);
  EXPECT_NEAR(with_half, 1e-5 + std::max(2 * nvlink_s, infiniband_s), 1e-12);
}

TEST(AllReduce, MovesTwiceTheShareOfEachRank) {
  const double inside = all_reduce_s(plain_network(), {1, 0}, 1e9, 8, 8);
  EXPECT_NEAR(inside, 2.0 * 7 / 8 * 1e9 / 400e9, 1e-12);
  const double one_per_node = all_reduce_s(plain_network(), {1, 0}, 1e9, 8, 1);
  EXPECT_NEAR(one_per_node, 2.0 * 7 / 8 * 1e9 / 50e9, 1e-12) << "one port carries the ring";
  EXPECT_EQ(all_reduce_s(plain_network(), {1, 0}, 1e9, 1, 1), 0);
}

}  // namespace
}  // namespace moe::model
