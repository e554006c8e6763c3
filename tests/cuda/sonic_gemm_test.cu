// SonicMoE's fused products against double: gather, activations and their gradients, gathered
// weight gradients.
#include "cuda/kernels/gemm/d_act.h"
#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/kernels/gemm/up_proj.h"
#include "cuda/runtime/element.h"
#include "sonic_rows.cuh"
#include "truth/mlp.h"

namespace moe::cuda {
namespace {

using tests::Bf16;
using tests::DeviceArray;
using tests::Dims;
using tests::forms;
using tests::label;
using tests::poison;

template <class Element>
std::vector<double> as_double(const DeviceArray<Element>& array) {
  std::vector<double> values;
  for (Element value : array.to_host()) values.push_back(static_cast<float>(value));
  return values;
}

/// Norm-relative error, and that rows behind `used` are untouched poison.
template <class Element>
void expect_near(const std::vector<double>& got, const std::vector<double>& want, std::size_t used,
                 const char* what) {
  constexpr double kTolerance = kDTypeOf<Element> == DType::f16 ? 5e-3 / 8 : 5e-3;
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < used; ++i) {
    error += (got[i] - want[i]) * (got[i] - want[i]);
    norm += want[i] * want[i];
  }
  EXPECT_TRUE(std::sqrt(error) <= kTolerance * std::sqrt(norm))
      << what << ": error " << std::sqrt(error / std::max(norm, 1e-30));
  for (std::size_t i = used; i < got.size(); ++i)
    ASSERT_TRUE(std::isnan(got[i])) << what << " written at " << i;
}

class SonicGemmTest : public tests::SonicRowsTest {
 protected:
  template <class Element>
  void expect_right_up_projection(std::initializer_list<UpProjTile> tiles) {
    for (const Dims dims : {Dims{128, 256}, Dims{72, 136}, Dims{320, 64}}) {
      for (const auto [activation, tile] : forms(tiles)) {
        const int d = dims.d, n = dims.n, u = is_gated(activation) ? 2 * n : n;
        DeviceArray<Element> x(std::size_t(kTokens) * d), w(std::size_t(E) * u * d),
            h(std::size_t(memory_rows) * u), a(std::size_t(memory_rows) * n);
        DeviceArray<int> device_offsets(offsets), row_tokens(tokens);
        DeviceArray<Element> b_up(std::size_t(E) * u);
        tests::fill_random(x, 1);
        tests::fill_random(w, 2, 0.4f);  // H far enough out for clamps
        tests::fill_random(b_up, 4);
        const bool has_bias = n != 256;
        poison(h);
        poison(a);
        UpProjProblem problem{
            x.get(), row_tokens.get(), w.get(), h.get(), a.get(), device_offsets.get(), E, n,
            d,       activation};
        problem.dtype = kDTypeOf<Element>;
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
              want_a[std::size_t(r) * n + j] =
                  truth::activate(activation, row[j], row[u - n + j]).a;
          }
        }
        SCOPED_TRACE(label(dims, activation));
        expect_near<Element>(as_double(h), want_h, std::size_t(rows) * u, "h");
        expect_near<Element>(as_double(a), want_a, std::size_t(rows) * n, "a");
        const auto with_h = a.to_host();
        poison(a);
        problem.h = nullptr;
        up_proj(problem, tile, tests::multiprocessors(), nullptr);
        const auto without_h = a.to_host();
        EXPECT_EQ(0, std::memcmp(with_h.data(), without_h.data(), with_h.size() * sizeof(Element)))
            << "inference differs";
      }
    }
  }

  template <class Element>
  void expect_right_activation_gradient(std::initializer_list<DActTile> tiles) {
    for (const Dims dims : {Dims{128, 256}, Dims{72, 136}, Dims{320, 64}, Dims{64, 328}})
      for (const auto [activation, tile] : forms(tiles)) {
        const int d = dims.d, n = dims.n, u = is_gated(activation) ? 2 * n : n,
                  parts = d_score_part_count(n);
        DeviceArray<Element> d_out(std::size_t(kTokens) * d), w(std::size_t(E) * d * n),
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
               d_scores.get(), memory_rows, device_offsets.get(), E, n, d, activation, nullptr,
               kDTypeOf<Element>},
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
        expect_near<Element>(as_double(h), want_h, std::size_t(rows) * u, "d_h");
        expect_near<Element>(as_double(a), want_a, std::size_t(rows) * n, "a_scaled");
        expect_near<Element>(got_s, want_s, rows, "d_scores");
      }
  }

  template <class Element>
  void expect_right_weight_gradients(std::initializer_list<GroupedTile> tiles) {
    for (const Dims dims : {Dims{256, 512}, Dims{72, 136}, Dims{200, 64}, Dims{328, 264}}) {
      for (const GroupedTile tile : tiles) {
        for (const bool transposed : {false, true}) {
          const int m = dims.d, n = dims.n;
          DeviceArray<Element> x(std::size_t(kTokens) * m), b(std::size_t(memory_rows) * n),
              c(std::size_t(E) * m * n);
          DeviceArray<int> device_offsets(offsets), row_tokens(tokens);
          tests::fill_random(x, 1);
          tests::fill_random(b, 2);
          MOE_CUDA_CHECK(cudaMemset(b.get() + std::size_t(rows) * n, 0xff,
                                    (b.size() - std::size_t(rows) * n) * 2));
          WeightGradientProblem problem{x.get(),          b.get(), c.get(), device_offsets.get(),
                                        row_tokens.get(), E,       m,       n,
                                        transposed};
          problem.dtype = kDTypeOf<Element>;
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
          for (const int count : {2, tests::multiprocessors()}) {  // many tiles a CTA, or few
            SCOPED_TRACE("m " + std::to_string(m) + " n " + std::to_string(n) +
                         (transposed ? " transposed, " : ", ") + std::to_string(count) + " CTAs");
            poison(c);
            weight_gradient(problem, tile, count, nullptr);
            MOE_CUDA_CHECK(cudaDeviceSynchronize());
            expect_near<Element>(as_double(c), want, want.size(), "c");
          }
        }
      }
    }
  }
};

TEST_P(SonicGemmTest, UpProjection) {
  expect_right_up_projection<Bf16>(
      {UpProjTile::n128, UpProjTile::n128_pair, UpProjTile::n64_ping_pong});
}
TEST_P(SonicGemmTest, ActivationGradient) {
  expect_right_activation_gradient<Bf16>({DActTile::n256, DActTile::n256_pair});
}
TEST_P(SonicGemmTest, GatheredWeightGradients) {
  expect_right_weight_gradients<Bf16>({GroupedTile::m128n256, GroupedTile::m128n256_pair,
                                       GroupedTile::m128n192, GroupedTile::m128n128_pair,
                                       GroupedTile::m128n128_ping_pong});
}

TEST_P(SonicGemmTest, UpProjectionInFloat16) {
  expect_right_up_projection<__half>({UpProjTile::n128_pair});
}
TEST_P(SonicGemmTest, ActivationGradientInFloat16) {
  expect_right_activation_gradient<__half>({DActTile::n256_pair});
}
TEST_P(SonicGemmTest, GatheredWeightGradientsInFloat16) {
  expect_right_weight_gradients<__half>({GroupedTile::m128n256_pair});
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
