// Weights with gate and up rows in turns: the same bits as from those with gate before up.
#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/kernels/gemm/up_proj.h"
#include "sonic_rows.cuh"
#include "support/interleave.h"

namespace moe::cuda {
namespace {

using tests::Bf16;
using tests::DeviceArray;
using tests::Dims;
using tests::forms;
using tests::label;
using tests::poison;
using tests::same_bits;

class InterleavedGemmTest : public tests::SonicRowsTest {};

template <class Element>
std::vector<Element> interleaved(const DeviceArray<Element>& w, int n, int row_size) {
  const std::vector<Element> values = w.to_host();
  return tests::interleaved<Element>(values, n, row_size);
}

/// Boxes of an interleaved weight hold what those of a concatenated one hold, so every bit is
/// equal.
TEST_P(InterleavedGemmTest, UpProjection) {
  for (const Dims dims : {Dims{128, 256}, Dims{72, 136}, Dims{320, 64}}) {
    for (const auto [activation, tile] :
         forms({UpProjTile::n128, UpProjTile::n128_pair, UpProjTile::n64_ping_pong})) {
      if (!is_gated(activation)) continue;
      SCOPED_TRACE(label(dims, activation));
      const int d = dims.d, n = dims.n;
      DeviceArray<Bf16> x(std::size_t(kTokens) * d), w(std::size_t(E) * 2 * n * d),
          b_up(std::size_t(E) * 2 * n);
      tests::fill_random(x, 1);
      tests::fill_random(w, 2, 0.4f);
      tests::fill_random(b_up, 4);
      const DeviceArray<Bf16> w_in_turns(interleaved(w, n, d)), b_in_turns(interleaved(b_up, n, 1));
      DeviceArray<int> device_offsets(offsets), row_tokens(tokens);
      DeviceArray<Bf16> h(std::size_t(memory_rows) * 2 * n), a(std::size_t(memory_rows) * n),
          h_in_turns(h.size()), a_in_turns(a.size());
      for (auto* each : {&h, &a, &h_in_turns, &a_in_turns}) poison(*each);
      UpProjProblem problem{.x = x.get(),
                            .row_tokens = row_tokens.get(),
                            .w_up = w.get(),
                            .h = h.get(),
                            .a = a.get(),
                            .expert_offsets = device_offsets.get(),
                            .num_experts = E,
                            .n = n,
                            .d = d,
                            .activation = activation,
                            .b_up = b_up.get()};
      up_proj(problem, tile, tests::multiprocessors(), nullptr);
      problem.w_up = w_in_turns.get();
      problem.b_up = b_in_turns.get();
      problem.h = h_in_turns.get();
      problem.a = a_in_turns.get();
      problem.layout = UpLayout::interleaved;
      up_proj(problem, tile, tests::multiprocessors(), nullptr);
      MOE_CUDA_CHECK(cudaDeviceSynchronize());
      EXPECT_TRUE(same_bits(h_in_turns, h)) << "h";
      EXPECT_TRUE(same_bits(a_in_turns, a)) << "a";
    }
  }
}

/// dX rows from dH, whose columns are gate, then up, and from either order of W_up.
TEST_P(InterleavedGemmTest, InputGradient) {
  DeviceArray<std::byte> scratch(stream_scratch_bytes(tests::multiprocessors()));
  for (const Dims dims : {Dims{128, 256}, Dims{320, 64}, Dims{64, 192}}) {
    for (const GroupedTile tile :
         {GroupedTile::m128n256, GroupedTile::m128n256_pair, GroupedTile::m128n192,
          GroupedTile::m128n128_pair, GroupedTile::m128n128_ping_pong,
          GroupedTile::m128n256_streamed}) {
      const int d = dims.d, n = dims.n;
      SCOPED_TRACE("d " + std::to_string(d) + " n " + std::to_string(n));
      DeviceArray<Bf16> d_h(std::size_t(memory_rows) * 2 * n), w(std::size_t(E) * 2 * n * d),
          d_x(std::size_t(memory_rows) * d), d_x_in_turns(d_x.size());
      DeviceArray<int> device_offsets(offsets);
      tests::fill_random(d_h, 1);
      tests::fill_random(w, 2);
      const DeviceArray<Bf16> w_in_turns(interleaved(w, n, d));
      for (auto* each : {&d_x, &d_x_in_turns}) poison(*each);
      GroupedRowsProblem problem{d_h.get(),   w.get(), d_x.get(), device_offsets.get(),
                                 memory_rows, E,       d,         2 * n};
      problem.stream_scratch = scratch.get();
      multiply_rows(problem, WeightLayout::k_by_n, tile, tests::multiprocessors(), nullptr);
      problem.b = w_in_turns.get();
      problem.c = d_x_in_turns.get();
      problem.interleaved = true;
      multiply_rows(problem, WeightLayout::k_by_n, tile, tests::multiprocessors(), nullptr);
      MOE_CUDA_CHECK(cudaDeviceSynchronize());
      EXPECT_TRUE(same_bits(d_x_in_turns, d_x));
    }
  }
}

TEST_P(InterleavedGemmTest, WeightGradient) {
  for (const Dims dims : {Dims{128, 256}, Dims{320, 64}, Dims{64, 192}}) {
    for (const GroupedTile tile : {GroupedTile::m128n256, GroupedTile::m128n256_pair,
                                   GroupedTile::m128n128_pair, GroupedTile::m128n128_ping_pong}) {
      for (const bool adds : {false, true}) {
        const int d = dims.d, n = dims.n;
        SCOPED_TRACE("d " + std::to_string(d) + " n " + std::to_string(n) +
                     (adds ? ", added" : ""));
        DeviceArray<Bf16> x(std::size_t(kTokens) * d), d_h(std::size_t(memory_rows) * 2 * n),
            d_w(std::size_t(E) * 2 * n * d);
        DeviceArray<int> device_offsets(offsets), row_tokens(tokens);
        tests::fill_random(x, 1);
        tests::fill_random(d_h, 2);
        tests::fill_random(d_w, 3);
        DeviceArray<Bf16> d_w_in_turns(interleaved(d_w, n, d));
        if (!adds) poison(d_w), poison(d_w_in_turns);
        WeightGradientProblem problem{
            x.get(), d_h.get(), d_w.get(), device_offsets.get(), row_tokens.get(), E, d,
            2 * n,   true,      adds};
        weight_gradient(problem, tile, tests::multiprocessors(), nullptr);
        problem.c = d_w_in_turns.get();
        problem.interleaved = true;
        weight_gradient(problem, tile, tests::multiprocessors(), nullptr);
        MOE_CUDA_CHECK(cudaDeviceSynchronize());
        EXPECT_TRUE(same_bits(d_w_in_turns, DeviceArray<Bf16>(interleaved(d_w, n, d))));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, InterleavedGemmTest, ::testing::ValuesIn(tests::row_counts()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace moe::cuda
