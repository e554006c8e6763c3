// SonicMoE's fused products against double: gather, activations and their gradients, gathered
// weight gradients.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "cuda/kernels/aggregate/sum_token_rows.h"
#include "cuda/kernels/gemm/d_act.h"
#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/kernels/gemm/up_proj.h"
#include "device_data.cuh"
#include "ragged_cases.h"
#include "support/interleave.h"
#include "truth/mlp.h"

namespace moe::cuda {
namespace {

using Bf16 = __nv_bfloat16;
using tests::DeviceArray;

std::vector<double> as_double(const DeviceArray<Bf16>& array) {
  std::vector<double> values;
  for (Bf16 value : array.to_host()) values.push_back(__bfloat162float(value));
  return values;
}

/// Norm-relative error, and that rows behind `used` are untouched poison.
void expect_near(const std::vector<double>& got, const std::vector<double>& want, std::size_t used,
                 const char* what) {
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < used; ++i) {
    error += (got[i] - want[i]) * (got[i] - want[i]);
    norm += want[i] * want[i];
  }
  EXPECT_TRUE(std::sqrt(error) <= 5e-3 * std::sqrt(norm))
      << what << ": error " << std::sqrt(error / std::max(norm, 1e-30));
  for (std::size_t i = used; i < got.size(); ++i)
    ASSERT_TRUE(std::isnan(got[i])) << what << " written at " << i;
}

void poison(DeviceArray<Bf16>& array) {
  MOE_CUDA_CHECK(cudaMemset(array.get(), 0xff, array.size() * sizeof(Bf16)));
}

bool same_bits(const DeviceArray<Bf16>& left, const DeviceArray<Bf16>& right) {
  const auto a = left.to_host(), b = right.to_host();
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(Bf16)) == 0;
}

struct Dims {
  int d, n;
};

/// Every tile of SwiGLU, and the one tile of the other activations.
template <class Tile>
struct Form {
  Activation activation;
  Tile tile;
};
template <class Tile>
std::vector<Form<Tile>> forms(std::initializer_list<Tile> tiles) {
  std::vector<Form<Tile>> all;
  for (const Tile tile : tiles) all.push_back({Activation::swiglu, tile});
  for (const Activation activation : kActivations)
    if (activation != Activation::swiglu) all.push_back({activation, *tiles.begin()});
  return all;
}

std::string label(Dims dims, Activation activation) {
  return "d " + std::to_string(dims.d) + " n " + std::to_string(dims.n) + " " +
         std::string(name_of(activation));
}

class SonicGemmTest : public ::testing::TestWithParam<tests::Counts> {
 protected:
  static constexpr int kTokens = 200;

  void SetUp() override {
    if (!tests::no_hopper_reason().empty()) GTEST_SKIP() << tests::no_hopper_reason();
    offsets = tests::offsets_of(GetParam());
    E = static_cast<int>(GetParam().rows.size());
    rows = offsets.back();
    memory_rows = rows + 130;
    for (int r = 0; r < memory_rows; ++r) {
      tokens.push_back(r < rows ? (r * 37 + 11) % kTokens
                                : 1 << 28);  // unused entries must not be followed
      scores.push_back(0.1f + 0.01f * static_cast<float>(r % 50));
    }
  }

  std::vector<int> offsets, tokens;
  std::vector<float> scores;
  int E = 0, rows = 0, memory_rows = 0;
};

TEST_P(SonicGemmTest, UpProjection) {
  for (const Dims dims : {Dims{128, 256}, Dims{72, 136}, Dims{320, 64}}) {
    for (const auto [activation, tile] :
         forms({UpProjTile::n128, UpProjTile::n128_pair, UpProjTile::n64_ping_pong})) {
      const int d = dims.d, n = dims.n, u = is_gated(activation) ? 2 * n : n;
      DeviceArray<Bf16> x(std::size_t(kTokens) * d), w(std::size_t(E) * u * d),
          h(std::size_t(memory_rows) * u), a(std::size_t(memory_rows) * n);
      DeviceArray<int> device_offsets(offsets), row_tokens(tokens);
      DeviceArray<Bf16> b_up(std::size_t(E) * u);
      tests::fill_random(x, 1);
      tests::fill_random(w, 2, 0.4f);  // H far enough out for clamps
      tests::fill_random(b_up, 4);
      const bool has_bias = n != 256;
      poison(h);
      poison(a);
      UpProjProblem problem{
          x.get(), row_tokens.get(), w.get(), h.get(), a.get(), device_offsets.get(), E, n,
          d,       activation};
      if (has_bias) problem.b_up = b_up.get();
      up_proj(problem, tile, tests::multiprocessors(), nullptr);
      MOE_CUDA_CHECK(cudaDeviceSynchronize());
      const auto xv = as_double(x), wv = as_double(w), bv = as_double(b_up);
      std::vector<double> want_h(h.size()), want_a(a.size());
      for (int e = 0; e < E; ++e) {
        for (int r = offsets[e]; r < offsets[e + 1]; ++r) {
          double* row = &want_h[std::size_t(r) * u];
          for (int j = 0; j < u; ++j) {
            if (has_bias) row[j] = bv[std::size_t(e) * u + j];
            for (int i = 0; i < d; ++i)
              row[j] += xv[std::size_t(tokens[r]) * d + i] * wv[(std::size_t(e) * u + j) * d + i];
          }
          for (int j = 0; j < n; ++j)
            want_a[std::size_t(r) * n + j] = truth::activate(activation, row[j], row[u - n + j]).a;
        }
      }
      SCOPED_TRACE(label(dims, activation));
      expect_near(as_double(h), want_h, std::size_t(rows) * u, "h");
      expect_near(as_double(a), want_a, std::size_t(rows) * n, "a");
      const auto with_h = a.to_host();
      poison(a);
      problem.h = nullptr;
      up_proj(problem, tile, tests::multiprocessors(), nullptr);
      const auto without_h = a.to_host();
      EXPECT_EQ(0, std::memcmp(with_h.data(), without_h.data(), with_h.size() * sizeof(Bf16)))
          << "inference differs";
    }
  }
}

std::vector<Bf16> interleaved(const DeviceArray<Bf16>& w, int n, int row_size) {
  const std::vector<Bf16> values = w.to_host();
  return tests::interleaved<Bf16>(values, n, row_size);
}

/// Boxes of an interleaved weight hold what those of a concatenated one hold, so every bit is
/// equal.
TEST_P(SonicGemmTest, UpProjectionOfInterleavedWeights) {
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
TEST_P(SonicGemmTest, InputGradientOfInterleavedWeights) {
  for (const Dims dims : {Dims{128, 256}, Dims{320, 64}, Dims{64, 192}}) {
    for (const GroupedTile tile :
         {GroupedTile::m128n256, GroupedTile::m128n256_pair, GroupedTile::m128n192,
          GroupedTile::m128n128_pair, GroupedTile::m128n128_ping_pong}) {
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

TEST_P(SonicGemmTest, WeightGradientOfInterleavedWeights) {
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

TEST_P(SonicGemmTest, ActivationGradient) {
  for (const Dims dims : {Dims{128, 256}, Dims{72, 136}, Dims{320, 64}, Dims{64, 328}})
    for (const auto [activation, tile] : forms({DActTile::n256, DActTile::n256_pair})) {
      const int d = dims.d, n = dims.n, u = is_gated(activation) ? 2 * n : n,
                parts = d_score_part_count(n);
      DeviceArray<Bf16> d_out(std::size_t(kTokens) * d), w(std::size_t(E) * d * n),
          h(std::size_t(memory_rows) * u), a(std::size_t(memory_rows) * n);
      DeviceArray<int> device_offsets(offsets), row_tokens(tokens);
      DeviceArray<float> row_scores(scores), d_scores(std::size_t(parts) * memory_rows);
      tests::fill_random(d_out, 1);
      tests::fill_random(w, 2, 0.1f);
      tests::fill_random(h, 3, 4.0f);  // far enough out for clamps
      MOE_CUDA_CHECK(cudaMemset(h.get() + std::size_t(rows) * u, 0xff,
                                (h.size() - std::size_t(rows) * u) * 2));
      poison(a);
      const auto hv = as_double(h);
      d_act({d_out.get(), row_tokens.get(), row_scores.get(), w.get(), h.get(), h.get(), a.get(),
             d_scores.get(), memory_rows, device_offsets.get(), E, n, d, activation},
            tile, tests::multiprocessors(), nullptr);
      MOE_CUDA_CHECK(cudaDeviceSynchronize());
      const auto gv = as_double(d_out), wv = as_double(w);
      std::vector<double> want_h(h.size()), want_a(a.size()), want_s(rows), got_s(rows);
      for (int e = 0; e < E; ++e) {
        for (int r = offsets[e]; r < offsets[e + 1]; ++r) {
          for (int j = 0; j < n; ++j) {
            double d_a = 0;
            for (int i = 0; i < d; ++i)
              d_a += gv[std::size_t(tokens[r]) * d + i] * wv[(std::size_t(e) * d + i) * n + j];
            const std::size_t gate = std::size_t(r) * u + j, up = gate + u - n;
            const truth::Activated at = truth::activate(activation, hv[gate], hv[up]);
            want_s[r] += d_a * at.a;
            want_a[std::size_t(r) * n + j] = scores[r] * at.a;
            if (u != n) want_h[gate] = scores[r] * d_a * at.by_gate;
            want_h[up] = scores[r] * d_a * at.by_up;
          }
        }
      }
      const auto part_values = d_scores.to_host();
      for (int p = 0; p < parts; ++p) {
        for (int r = 0; r < rows; ++r) got_s[r] += part_values[std::size_t(p) * memory_rows + r];
      }
      SCOPED_TRACE(label(dims, activation));
      expect_near(as_double(h), want_h, std::size_t(rows) * u, "d_h");
      expect_near(as_double(a), want_a, std::size_t(rows) * n, "a_scaled");
      expect_near(got_s, want_s, rows, "d_scores");
    }
}

TEST_P(SonicGemmTest, GatheredWeightGradients) {
  for (const Dims dims : {Dims{256, 512}, Dims{72, 136}, Dims{200, 64}}) {
    for (const GroupedTile tile : {GroupedTile::m128n256, GroupedTile::m128n256_pair,
                                   GroupedTile::m128n128_pair, GroupedTile::m128n128_ping_pong}) {
      for (const bool transposed : {false, true}) {
        const int m = dims.d, n = dims.n;
        DeviceArray<Bf16> x(std::size_t(kTokens) * m), b(std::size_t(memory_rows) * n),
            c(std::size_t(E) * m * n);
        DeviceArray<int> device_offsets(offsets), row_tokens(tokens);
        tests::fill_random(x, 1);
        tests::fill_random(b, 2);
        MOE_CUDA_CHECK(cudaMemset(b.get() + std::size_t(rows) * n, 0xff,
                                  (b.size() - std::size_t(rows) * n) * 2));
        poison(c);
        weight_gradient({x.get(), b.get(), c.get(), device_offsets.get(), row_tokens.get(), E, m, n,
                         transposed},
                        tile, tests::multiprocessors(), nullptr);
        MOE_CUDA_CHECK(cudaDeviceSynchronize());
        const auto xv = as_double(x), bv = as_double(b);
        std::vector<double> want(c.size());
        for (int e = 0; e < E; ++e) {
          for (int r = offsets[e]; r < offsets[e + 1]; ++r) {
            for (int i = 0; i < m; ++i) {
              const double left = xv[std::size_t(tokens[r]) * m + i];
              for (int j = 0; j < n; ++j) {
                const std::size_t at = transposed ? (std::size_t(e) * n + j) * m + i
                                                  : (std::size_t(e) * m + i) * n + j;
                want[at] += left * bv[std::size_t(r) * n + j];
              }
            }
          }
        }
        SCOPED_TRACE("m " + std::to_string(m) + " n " + std::to_string(n) +
                     (transposed ? " transposed" : ""));
        expect_near(as_double(c), want, want.size(), "c");
      }
    }
  }
}

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

TEST_P(SonicGemmTest, TokenSumsRideInTheGradient) {
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
TEST_P(SonicGemmTest, SumsFollowTheProduct) {
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

/// Whether CTAs wait for each other changes nothing in the results.
TEST_P(SonicGemmTest, KeepingInStepChangesNoBit) {
  const int d = 128, n = 1024;
  DeviceArray<Bf16> x(std::size_t(kTokens) * d), w(std::size_t(E) * 2 * n * d);
  DeviceArray<Bf16> free_a(std::size_t(memory_rows) * n), step_a(std::size_t(memory_rows) * n);
  DeviceArray<int> device_offsets(offsets), row_tokens(tokens);
  DeviceArray<unsigned> turns(std::vector<unsigned>{12345});
  tests::fill_random(x, 1);
  tests::fill_random(w, 2, 0.1f);
  for (auto* each : {&free_a, &step_a}) poison(*each);
  UpProjProblem problem{
      x.get(), row_tokens.get(), w.get(), nullptr, free_a.get(), device_offsets.get(), E, n, d};
  up_proj(problem, UpProjTile::n128_pair, 8, nullptr);
  problem.a = step_a.get();
  problem.turns = turns.get();
  up_proj(problem, UpProjTile::n128_pair, 8, nullptr);
  MOE_CUDA_CHECK(cudaDeviceSynchronize());
  const auto a = free_a.to_host(), b = step_a.to_host();
  EXPECT_EQ(0, std::memcmp(a.data(), b.data(), a.size() * sizeof(Bf16)));
  const std::size_t column_tiles = n / 128;
  const bool has_rows = rows > 0;
  EXPECT_EQ(turns.to_host()[0] >= column_tiles, has_rows) << "every CTA counts its tiles";
}

INSTANTIATE_TEST_SUITE_P(Rows, SonicGemmTest, ::testing::ValuesIn(tests::row_counts()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace moe::cuda
