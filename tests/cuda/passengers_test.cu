// Sums over tokens that other kernels carry: the same bits as from kernels of their own.
#include "cuda/kernels/aggregate/sum_token_rows.h"
#include "cuda/kernels/gemm/grouped_gemm.h"
#include "sonic_rows.cuh"

namespace moe::cuda {
namespace {

using tests::Bf16;
using tests::DeviceArray;
using tests::poison;
using tests::same_bits;

class PassengersTest : public tests::SonicRowsTest {};

/// Lists of rows by token. Token 0 has up to 40 of them, more than a warp has lanes; the others
/// share the rest, and some have none.
struct TokenLists {
  std::vector<int> offsets = {0}, rows;

  TokenLists(int num_tokens, int num_rows, int memory_rows) {
    std::vector<std::vector<int>> rows_of(num_tokens);
    for (int r = 0; r < num_rows; ++r) rows_of[r < 40 ? 0 : r * 7 % num_tokens].push_back(r);
    for (const auto& own : rows_of) {
      rows.insert(rows.end(), own.begin(), own.end());
      offsets.push_back(static_cast<int>(rows.size()));
    }
    rows.resize(memory_rows);
  }
};

TEST_P(PassengersTest, TokenSumsRideInTheGradient) {
  const TokenLists lists(kTokens, rows, memory_rows);
  for (const int d : {8, 264, 1032}) {
    SCOPED_TRACE("d " + std::to_string(d));
    const int n = 64;
    DeviceArray<Bf16> x(std::size_t(kTokens) * d), b(std::size_t(memory_rows) * n),
        c(std::size_t(E) * d * n), y(std::size_t(memory_rows) * d), out(std::size_t(kTokens) * d),
        alone(std::size_t(kTokens) * d), c_alone(std::size_t(E) * d * n);
    DeviceArray<int> device_offsets(offsets), row_tokens(tokens), of_tokens(lists.offsets),
        inverse(lists.rows);
    tests::fill_random(x, 1);
    tests::fill_random(b, 2);
    tests::fill_random(y, 3);
    for (auto* each : {&c, &out, &alone, &c_alone}) poison(*each);
    const TokenSumsProblem sums{y.get(), of_tokens.get(), inverse.get(), out.get(), kTokens, d};
    WeightGradientProblem problem{
        x.get(), b.get(), c.get(), device_offsets.get(), row_tokens.get(), E, d, n,
        true,    false,   &sums};
    weight_gradient(problem, GroupedTile::m128n256_pair, tests::multiprocessors(), nullptr);
    problem.c = c_alone.get();
    problem.passenger = nullptr;
    weight_gradient(problem, GroupedTile::m128n256_pair, tests::multiprocessors(), nullptr);
    sum_token_rows({y.get(), nullptr, of_tokens.get(), inverse.get(), nullptr, alone.get(),
                    DType::bf16, kTokens, d},
                   nullptr);
    MOE_CUDA_CHECK(cudaDeviceSynchronize());
    EXPECT_TRUE(same_bits(out, alone)) << "sums differ from those of the kernel of their own";
    EXPECT_TRUE(same_bits(c, c_alone)) << "the gradient differs with a passenger";
  }
}

/// The same bits as from the product and the sums in kernels of their own, whatever the stripes and
/// however few the CTAs.
TEST_P(PassengersTest, SumsFollowTheProduct) {
  const TokenLists lists(kTokens, rows, memory_rows);
  const int k = 72;
  DeviceArray<int> device_offsets(offsets), of_tokens(lists.offsets), inverse(lists.rows);
  DeviceArray<float> row_scores(scores);
  DeviceArray<unsigned> counters(std::vector<unsigned>(kStripeCounters, 12345));
  for (const int d : {8, 264, 1032, 1536}) {
    DeviceArray<Bf16> a(std::size_t(memory_rows) * k), w(std::size_t(E) * d * k),
        y(std::size_t(memory_rows) * d), out(std::size_t(kTokens) * d),
        y_alone(std::size_t(memory_rows) * d), alone(std::size_t(kTokens) * d);
    tests::fill_random(a, 1);
    tests::fill_random(w, 2);
    for (const bool is_forward : {true, false}) {
      const WeightLayout layout = is_forward ? WeightLayout::n_by_k : WeightLayout::k_by_n;
      const float* scales = is_forward ? row_scores.get() : nullptr;
      for (auto* each : {&y_alone, &alone}) poison(*each);
      multiply_rows({a.get(), w.get(), y_alone.get(), device_offsets.get(), memory_rows, E, d, k},
                    layout, GroupedTile::m128n256, tests::multiprocessors(), nullptr);
      sum_token_rows({y_alone.get(), scales, of_tokens.get(), inverse.get(), nullptr, alone.get(),
                      DType::bf16, kTokens, d},
                     nullptr);
      for (const GroupedTile tile : {GroupedTile::m128n256, GroupedTile::m128n256_pair}) {
        for (const int stripes : {1, 2, 3, kMaxStripes}) {
          for (const int ctas : {4, tests::multiprocessors()}) {
            SCOPED_TRACE(testing::Message()
                         << "d " << d << ", forward " << is_forward << ", tile "
                         << static_cast<int>(tile) << ", " << stripes << " stripes, " << ctas);
            for (auto* each : {&y, &out}) poison(*each);
            const StripeSumsProblem sums{scales,  of_tokens.get(), inverse.get(), out.get(),
                                         kTokens, counters.get(),  stripes};
            GroupedRowsProblem problem{a.get(),     w.get(), y.get(), device_offsets.get(),
                                       memory_rows, E,       d,       k};
            problem.sums = &sums;
            multiply_rows(problem, layout, tile, ctas, nullptr);
            MOE_CUDA_CHECK(cudaDeviceSynchronize());
            EXPECT_TRUE(same_bits(y, y_alone)) << "the product differs with sums behind it";
            EXPECT_TRUE(same_bits(out, alone)) << "sums differ from those of their own kernel";
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, PassengersTest, ::testing::ValuesIn(tests::row_counts()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace moe::cuda
