// Aggregation and its gradient against plain loops in double.
#include <gtest/gtest.h>

#include "cuda/kernels/aggregate/combine_backward.h"
#include "cuda/kernels/aggregate/sum_parts.h"
#include "cuda/kernels/aggregate/sum_token_rows.h"
#include "row_data.cuh"

namespace moe::cuda {
namespace {

using tests::as_double;
using tests::DeviceArray;
using tests::PoisonedArray;

constexpr std::int64_t kUnusedRows = 45;

struct Case {
  int tokens, d, experts, top_k;
  bool ragged;
};

const std::vector<Case> kCases = {{1, 8, 1, 1, false},      {50, 768, 16, 1, false},
                                  {33, 4096, 16, 8, false}, {65, 1032, 64, 22, false},
                                  {301, 72, 24, 8, true},   {40, 264, 100, 40, true},
                                  {3, 16, 4, 2, true},      {129, 2056, 8, 8, false}};

std::string text_of(const Case& c) {
  return std::to_string(c.tokens) + " tokens of " + std::to_string(c.d) + ", K " +
         std::to_string(c.top_k);
}

enum class Add { none, other, in_place };

template <class Element>
class AggregateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!tests::no_gpu_reason().empty()) GTEST_SKIP() << tests::no_gpu_reason();
  }

  void expect_right_sum(const Case& c, bool scaled, Add mode) {
    SCOPED_TRACE(text_of(c) + (scaled ? ", scaled" : "") + ", add " +
                 std::to_string(static_cast<int>(mode)));
    const auto routing = tests::make_routing(c.tokens, c.experts, c.top_k, c.ragged);
    const std::size_t rows = routing.rows(), out_size = std::size_t(c.tokens) * c.d;
    const PoisonedArray<Element> y(rows * c.d, kUnusedRows * c.d, 1), add(out_size, 64, 2);
    const PoisonedArray<float> scale(rows, kUnusedRows, 3);
    const PoisonedArray<Element> fresh(out_size + 64);
    const DeviceArray<int> token_offsets(routing.token_offsets),
        token_rows(padded(routing.token_rows));
    const std::vector<Element> add_values = add.to_host();
    Element* out = mode == Add::in_place ? add.get() : fresh.get();
    sum_token_rows(
        {y.get(), scaled ? scale.get() : nullptr, token_offsets.get(), token_rows.get(),
         mode == Add::none ? nullptr : add.get(), out, tests::kDType<Element>, c.tokens, c.d},
        nullptr);
    MOE_CUDA_CHECK(cudaDeviceSynchronize());

    const auto y_values = y.to_host();
    const auto scales = scale.to_host();
    std::vector<double> want(out_size);
    for (std::size_t i = 0; mode != Add::none && i < out_size; ++i)
      want[i] = as_double(add_values[i]);
    for (std::size_t r = 0; r < rows; ++r) {
      for (int j = 0; j < c.d; ++j) {
        want[std::size_t(routing.row_tokens[r]) * c.d + j] +=
            (scaled ? scales[r] : 1.0) * as_double(y_values[r * c.d + j]);
      }
    }
    const std::vector<Element> got = (mode == Add::in_place ? add : fresh).to_host();
    tests::expect_close<Element>(got, want);
    tests::expect_unwritten<Element>({got.begin() + out_size, got.end()});
    for (int t = 0; mode == Add::none && t < c.tokens; ++t) {
      if (routing.token_offsets[t] != routing.token_offsets[t + 1]) continue;
      for (int j = 0; j < c.d; ++j)
        ASSERT_EQ(as_double(got[std::size_t(t) * c.d + j]), 0.0) << "token " << t;
    }
  }

  /// With the router's part, of which `terms` d_logits of each token are not zero.
  void expect_right_router_part(const Case& c, int terms) {
    SCOPED_TRACE(text_of(c) + ", " + std::to_string(terms) + " terms");
    const auto routing = tests::make_routing(c.tokens, c.experts, c.top_k, c.ragged);
    const std::size_t rows = routing.rows(), d = c.d, E = c.experts;
    const PoisonedArray<Element> y(rows * d, kUnusedRows * d, 1), w_router(E * d, 64, 2);
    std::vector<Element> d_logits(c.tokens * E, Element(0.0f));
    for (int t = 0; t < c.tokens; ++t) {
      for (int i = 0; i < terms; ++i) {
        const std::uint32_t e = random_below(t, RandomStream::tests, i, c.experts);
        d_logits[t * E + e] = Element(0.25f + static_cast<float>(i));  // a bfloat16 to the bit
      }
    }
    const DeviceArray<Element> d_logits_device(d_logits);
    const DeviceArray<int> token_offsets(routing.token_offsets),
        token_rows(padded(routing.token_rows));
    const PoisonedArray<Element> out(c.tokens * d + 64);
    sum_token_rows({y.get(),
                    nullptr,
                    token_offsets.get(),
                    token_rows.get(),
                    nullptr,
                    out.get(),
                    tests::kDType<Element>,
                    c.tokens,
                    c.d,
                    {d_logits_device.get(), w_router.get(), c.experts}},
                   nullptr);
    MOE_CUDA_CHECK(cudaDeviceSynchronize());

    const auto y_values = y.to_host(), w = w_router.to_host();
    std::vector<double> want(c.tokens * d);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t j = 0; j < d; ++j)
        want[routing.row_tokens[r] * d + j] += as_double(y_values[r * d + j]);
    }
    for (std::size_t t = 0; t < std::size_t(c.tokens); ++t) {
      for (std::size_t e = 0; e < E; ++e) {
        const double d_logit = as_double(d_logits[t * E + e]);
        for (std::size_t j = 0; j < d && d_logit != 0; ++j)
          want[t * d + j] += d_logit * as_double(w[e * d + j]);
      }
    }
    const std::vector<Element> got = out.to_host();
    tests::expect_close<Element>(got, want);
    tests::expect_unwritten<Element>({got.begin() + c.tokens * d, got.end()});
  }

  void expect_right_gradient(const Case& c) {
    SCOPED_TRACE(text_of(c));
    const auto routing = tests::make_routing(c.tokens, c.experts, c.top_k, c.ragged);
    const std::size_t rows = routing.rows(), d = c.d;
    const PoisonedArray<Element> d_out(c.tokens * d, 64, 1), y(rows * d, kUnusedRows * d, 2);
    const PoisonedArray<float> scores(rows, kUnusedRows, 3);
    const DeviceArray<int> offsets(routing.expert_offsets), row_tokens(padded(routing.row_tokens));
    const DeviceArray<int> token_rows(padded(routing.token_rows));
    std::vector<Element> d_y_values[2];
    std::vector<float> d_score_values[2];
    for (int repeat = 0; repeat < 2; ++repeat) {
      const PoisonedArray<Element> d_y((rows + kUnusedRows) * d);
      const PoisonedArray<float> d_scores(rows + kUnusedRows);
      combine_backward({d_out.get(), y.get(), row_tokens.get(), token_rows.get(), scores.get(),
                        d_y.get(), d_scores.get(), offsets.get(), c.experts,
                        static_cast<std::int64_t>(rows) + kUnusedRows, tests::kDType<Element>, c.d},
                       nullptr);
      MOE_CUDA_CHECK(cudaDeviceSynchronize());
      d_y_values[repeat] = d_y.to_host();
      d_score_values[repeat] = d_scores.to_host();
    }
    EXPECT_TRUE(tests::same_bits(d_y_values[0], d_y_values[1]) &&
                tests::same_bits(d_score_values[0], d_score_values[1]));
    const auto d_outs = d_out.to_host(), ys = y.to_host();
    const auto score_values = scores.to_host();
    std::vector<double> want_d_y, want_d_scores;
    for (std::size_t r = 0; r < rows; ++r) {
      want_d_scores.push_back(0);
      for (std::size_t j = 0; j < d; ++j) {
        const double gradient = as_double(d_outs[routing.row_tokens[r] * d + j]);
        want_d_y.push_back(score_values[r] * gradient);
        want_d_scores.back() += gradient * as_double(ys[r * d + j]);
      }
    }
    tests::expect_close<Element>(d_y_values[0], want_d_y);
    tests::expect_close<float>(d_score_values[0], want_d_scores, 2e-6);
    tests::expect_unwritten<Element>({d_y_values[0].begin() + rows * d, d_y_values[0].end()});
    tests::expect_unwritten<float>({d_score_values[0].begin() + rows, d_score_values[0].end()});
  }

  /// A shared expert's rows: every token one, d_y in the place of d_out.
  void expect_right_gradient_in_place(int tokens, int columns) {
    SCOPED_TRACE(std::to_string(tokens) + " x " + std::to_string(columns));
    const std::size_t size = std::size_t(tokens) * columns;
    const PoisonedArray<Element> d_out(size, 64, 1), y(size, 64, 2);
    const PoisonedArray<float> scores(tokens, 8, 3), d_scores(std::size_t(tokens) + 8);
    const auto d_outs = d_out.to_host(), ys = y.to_host();
    const auto score_values = scores.to_host();
    combine_backward({d_out.get(), y.get(), nullptr, nullptr, scores.get(), d_out.get(),
                      d_scores.get(), nullptr, 0, tokens, tests::kDType<Element>, columns},
                     nullptr);
    MOE_CUDA_CHECK(cudaDeviceSynchronize());
    std::vector<double> want_d_y(size), want_d_scores(tokens);
    for (std::size_t i = 0; i < size; ++i) {
      want_d_y[i] = score_values[i / columns] * as_double(d_outs[i]);
      want_d_scores[i / columns] += as_double(d_outs[i]) * as_double(ys[i]);
    }
    const auto d_y = d_out.to_host();
    const auto d_score_values = d_scores.to_host();
    tests::expect_close<Element>(d_y, want_d_y);
    tests::expect_close<float>(d_score_values, want_d_scores, 2e-6);
    tests::expect_unwritten<Element>({d_y.begin() + size, d_y.end()});
    tests::expect_unwritten<float>({d_score_values.begin() + tokens, d_score_values.end()});
  }

  /// Indices that lead far outside, where no row is.
  static std::vector<int> padded(std::vector<int> indices) {
    indices.insert(indices.end(), kUnusedRows, -(1 << 30));
    return indices;
  }
};

using Elements = ::testing::Types<float, __nv_bfloat16, __half>;
TYPED_TEST_SUITE(AggregateTest, Elements);

TYPED_TEST(AggregateTest, SumsEveryTokensRows) {
  for (const Case& c : kCases) {
    for (bool scaled : {false, true}) {
      for (Add mode : {Add::none, Add::other, Add::in_place})
        this->expect_right_sum(c, scaled, mode);
    }
  }
}

/// None, one, an odd number, and nearly all.
TYPED_TEST(AggregateTest, AddsTheRoutersPart) {
  for (const Case& c : kCases) {
    for (int terms : {0, 1, 5, 100}) this->expect_right_router_part(c, terms);
  }
}

TYPED_TEST(AggregateTest, GradientOfRowsAndScores) {
  for (const Case& c : kCases) this->expect_right_gradient(c);
}

TYPED_TEST(AggregateTest, GradientInPlaceWhereTokensAreRows) {
  for (const int tokens : {1, 33, 1000}) {
    for (const int columns : {8, 1032, 4096}) this->expect_right_gradient_in_place(tokens, columns);
  }
}

TYPED_TEST(AggregateTest, AddsInTheOrderOfRows) {
  if (sizeof(TypeParam) == 2) GTEST_SKIP() << "float32 shows the order";
  const std::vector<float> values = {1e8f, 1.0f, -1e8f,
                                     3.0f};  // ((1e8 + 1) - 1e8) + 3 = 3 in float32
  std::vector<float> y;
  for (float value : values) y.insert(y.end(), 8, value);
  const DeviceArray<float> rows(y), out(8);
  const DeviceArray<int> token_offsets(std::vector<int>{0, 4}),
      token_rows(std::vector<int>{0, 1, 2, 3});
  sum_token_rows({rows.get(), nullptr, token_offsets.get(), token_rows.get(), nullptr, out.get(),
                  DType::f32, 1, 8},
                 nullptr);
  for (float value : out.to_host()) EXPECT_EQ(value, 3.0f);
}

TYPED_TEST(AggregateTest, LargeTensorsPass2To31Elements) {
  if (tests::kIsEmulated) GTEST_SKIP() << "too large for an emulated device";
  if (tests::kDType<TypeParam> != DType::bf16) GTEST_SKIP() << "bf16 has the same offsets";
  const int tokens = 65600, d = 4096, K = 8,
            rows = tokens * K;  // row k * tokens + t belongs to token t
  DeviceArray<TypeParam> y(std::size_t(rows) * d), d_y(std::size_t(rows) * d),
      out(std::size_t(tokens) * d);
  random_fill({y.get(), DType::bf16, {rows, d}}, 1, RandomStream::tests, 1.0f, nullptr);
  std::vector<int> token_offsets = {0}, token_rows, row_tokens(rows);
  for (int t = 0; t < tokens; ++t) {
    for (int k = 0; k < K; ++k) {
      token_rows.push_back(k * tokens + t);
      row_tokens[k * tokens + t] = t;
    }
    token_offsets.push_back((t + 1) * K);
  }
  const DeviceArray<int> offsets_d(token_offsets), token_rows_d(token_rows),
      row_tokens_d(row_tokens);
  const DeviceArray<int> expert_offsets(std::vector<int>{0, rows});
  DeviceArray<float> scores(std::vector<float>(rows, 0.5f)), d_scores(rows);
  sum_token_rows({y.get(), nullptr, offsets_d.get(), token_rows_d.get(), nullptr, out.get(),
                  DType::bf16, tokens, d},
                 nullptr);
  combine_backward({out.get(), y.get(), row_tokens_d.get(), token_rows_d.get(), scores.get(),
                    d_y.get(), d_scores.get(), expert_offsets.get(), 1, rows, DType::bf16, d},
                   nullptr);
  for (int t : {0, 1, 40000, tokens - 1}) {
    const auto out_row = tests::row_to_host(out.get(), t, d);
    std::vector<double> want(d);
    for (int k = 0; k < K; ++k) {
      const std::int64_t row = std::int64_t(k) * tokens + t;
      const auto y_row = tests::row_to_host(y.get(), row, d);
      std::vector<double> want_d_y;
      double dot = 0;
      for (int j = 0; j < d; ++j) {
        want[j] += as_double(y_row[j]);
        want_d_y.push_back(0.5 * as_double(out_row[j]));
        dot += as_double(out_row[j]) * as_double(y_row[j]);
      }
      tests::expect_close<TypeParam>(tests::row_to_host(d_y.get(), row, d), want_d_y);
      EXPECT_NEAR(tests::row_to_host(d_scores.get(), row, 1)[0], dot, 1e-4 * std::abs(dot) + 1e-2);
    }
    tests::expect_close<TypeParam>(out_row, want);
  }
}

/// Rows behind the last are neither read nor written, and parts are added in their order.
TEST(SumPartsTest, AddsPartsInOrder) {
  if (!tests::no_gpu_reason().empty()) GTEST_SKIP() << tests::no_gpu_reason();
  for (const int rows : {0, 1, 255, 256, 257, 3000}) {
    for (const int parts : {1, 3, 16}) {
      SCOPED_TRACE(testing::Message() << rows << " rows, " << parts << " parts");
      const int max_rows = rows + static_cast<int>(kUnusedRows);
      const PoisonedArray<float> sums(max_rows);
      std::vector<float> want(max_rows), host(std::size_t(parts) * max_rows, NAN);
      for (int r = 0; r < rows; ++r) {
        for (int p = 0; p < parts; ++p) {
          float& value = host[std::size_t(p) * max_rows + r];
          value = static_cast<float>(random_normal(5, RandomStream::tests, p * max_rows + r));
          want[r] += value;
        }
      }
      const DeviceArray<float> filled(host);
      const DeviceArray<int> expert_offsets(std::vector<int>{0, rows / 2, rows});
      sum_parts({filled.get(), sums.get(), expert_offsets.get(), 2, parts, max_rows}, nullptr);
      MOE_CUDA_CHECK(cudaDeviceSynchronize());
      const auto got = sums.to_host();
      for (int r = 0; r < max_rows; ++r) {
        if (r < rows) {
          ASSERT_EQ(got[r], want[r]) << "row " << r;
        } else {
          ASSERT_TRUE(std::isnan(got[r])) << "written at " << r;
        }
      }
    }
  }
}

}  // namespace
}  // namespace moe::cuda
