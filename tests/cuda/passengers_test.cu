// Sums over tokens that other kernels carry: the same bits as from kernels of their own.
#include "cuda/kernels/aggregate/sum_token_rows.h"
#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/runtime/element.h"
#include "sonic_rows.cuh"

namespace moe::cuda {
namespace {

using tests::Bf16;
using tests::DeviceArray;
using tests::poison;
using tests::same_bits;

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

class PassengersTest : public tests::SonicRowsTest {
 protected:
  template <class Element>
  void expect_sums_ride() {
    const TokenLists lists(kTokens, rows, memory_rows);
    for (const int d : {8, 264, 1032}) {
      SCOPED_TRACE("d " + std::to_string(d));
      const int n = 64;
      DeviceArray<Element> x(std::size_t(kTokens) * d), b(std::size_t(memory_rows) * n),
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
      problem.dtype = kDTypeOf<Element>;
      weight_gradient(problem, GroupedTile::m128n256_pair, tests::multiprocessors(), nullptr);
      problem.c = c_alone.get();
      problem.passenger = nullptr;
      weight_gradient(problem, GroupedTile::m128n256_pair, tests::multiprocessors(), nullptr);
      sum_token_rows({y.get(), nullptr, of_tokens.get(), inverse.get(), nullptr, alone.get(),
                      kDTypeOf<Element>, kTokens, d},
                     nullptr);
      MOE_CUDA_CHECK(cudaDeviceSynchronize());
      EXPECT_TRUE(same_bits(out, alone)) << "sums differ from those of the kernel of their own";
      EXPECT_TRUE(same_bits(c, c_alone)) << "the gradient differs with a passenger";
    }
  }
};

TEST_P(PassengersTest, TokenSumsRideInTheGradient) {
  expect_sums_ride<Bf16>();
}
TEST_P(PassengersTest, TokenSumsRideInTheGradientInFloat16) {
  expect_sums_ride<__half>();
}

INSTANTIATE_TEST_SUITE_P(Rows, PassengersTest, ::testing::ValuesIn(tests::row_counts()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace moe::cuda
