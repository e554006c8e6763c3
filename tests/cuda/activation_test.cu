// The activation and its gradient against the truth's formulas in double.
#include <gtest/gtest.h>

#include "cuda/kernels/activation/activation.h"
#include "row_data.cuh"
#include "truth/mlp.h"

namespace moe::cuda {
namespace {

using tests::as_double;
using tests::DeviceArray;
using tests::PoisonedArray;

constexpr std::int64_t kUnusedRows = 45;

/// What a row is, and where a channel stands in its h.
struct RowForm {
  Activation activation;
  UpLayout layout = UpLayout::concatenated;

  int up_dim(int n) const { return is_gated(activation) ? 2 * n : n; }
  truth::ChannelRows places(int n, int c) const {
    return truth::rows_of_channel(layout, up_dim(n), n, c);
  }
  template <class Element>
  truth::Activated at(std::span<const Element> h, int n, int c) const {
    const auto [gate, up] = places(n, c);
    return truth::activate(activation, as_double(h[gate]), as_double(h[up]));
  }
};

/// One row of H to one of A.
template <class Element>
void append_activated(RowForm form, std::span<const Element> h, int n, std::vector<double>& a) {
  for (int c = 0; c < n; ++c) a.push_back(form.at(h, n, c).a);
}

template <class Element>
void append_gradient(RowForm form, std::span<const Element> h, std::span<const Element> d_a, int n,
                     std::vector<double>& d_h) {
  std::vector<double> row(form.up_dim(n));
  for (int c = 0; c < n; ++c) {
    const auto [gate, up] = form.places(n, c);
    const truth::Activated at = form.at(h, n, c);
    row[gate] = as_double(d_a[c]) * at.by_gate;
    row[up] = as_double(d_a[c]) * at.by_up;
  }
  d_h.insert(d_h.end(), row.begin(), row.end());
}

template <class Element>
class ActivationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!tests::no_gpu_reason().empty()) GTEST_SKIP() << tests::no_gpu_reason();
  }

  /// Both passes, and nothing read or written behind the last row.
  void expect_right(RowForm form, int rows, int n) {
    SCOPED_TRACE(std::string(name_of(form.activation)) + " " + std::string(name_of(form.layout)) +
                 " " + std::to_string(rows) + " x " + std::to_string(n));
    const int u = form.up_dim(n);
    const DeviceArray<int> offsets(std::vector<int>{0, rows / 2, rows});
    const ActivationRows shape = {
        offsets.get(),          2,          rows + kUnusedRows, n, form.activation,
        tests::kDType<Element>, form.layout};
    const PoisonedArray<Element> h(std::size_t(rows) * u, kUnusedRows * u, 1, 4.0f);
    const PoisonedArray<Element> d_a(std::size_t(rows) * n, kUnusedRows * n, 2);
    const PoisonedArray<Element> a(std::size_t(rows + kUnusedRows) * n),
        d_h(std::size_t(rows + kUnusedRows) * u);
    const std::vector<Element> h_values = h.to_host(), d_a_values = d_a.to_host();
    activate(shape, h.get(), a.get(), nullptr);
    activate_backward(shape, h.get(), d_a.get(), d_h.get(), nullptr);
    activate_backward(shape, h.get(), d_a.get(), h.get(), nullptr);  // in place
    MOE_CUDA_CHECK(cudaDeviceSynchronize());

    std::vector<double> want_a, want_d_h;
    for (int r = 0; r < rows; ++r) {
      const std::span<const Element> h_row(h_values.data() + std::size_t(r) * u, u);
      append_activated<Element>(form, h_row, n, want_a);
      append_gradient<Element>(
          form, h_row, {d_a_values.data() + std::size_t(r) * n, std::size_t(n)}, n, want_d_h);
    }
    const std::vector<Element> got_a = a.to_host(), got_d_h = d_h.to_host();
    tests::expect_close<Element>(got_a, want_a);
    tests::expect_close<Element>(got_d_h, want_d_h);
    EXPECT_TRUE(tests::same_bits(got_d_h, h.to_host())) << "in place differs";
    tests::expect_unwritten<Element>({got_a.begin() + want_a.size(), got_a.end()});
    tests::expect_unwritten<Element>({got_d_h.begin() + want_d_h.size(), got_d_h.end()});
  }
};

using Elements = ::testing::Types<float, __nv_bfloat16, __half>;
TYPED_TEST_SUITE(ActivationTest, Elements);

TYPED_TEST(ActivationTest, OddSizes) {
  for (Activation activation : kActivations) {
    for (int rows : {0, 1, 37, 300}) {
      for (int n : {8, 64, 72, 256, 264, 1032}) {
        this->expect_right({activation}, rows, n);
        if (is_gated(activation)) this->expect_right({activation, UpLayout::interleaved}, rows, n);
      }
    }
  }
}

TYPED_TEST(ActivationTest, FarGates) {
  const std::vector<double> gates = {-1e4, -200, -88.5, -87, 88, 89, 200, 1e4};
  std::vector<TypeParam> values;
  for (double gate : gates) values.push_back(static_cast<TypeParam>(static_cast<float>(gate)));
  for (int c = 0; c < 8; ++c) values.push_back(static_cast<TypeParam>(1.0f));
  const DeviceArray<TypeParam> h(values), a(8), d_h(16),
      d_a(std::vector<TypeParam>(values.end() - 8, values.end()));
  const DeviceArray<int> offsets(std::vector<int>{0, 1});
  const ActivationRows shape = {offsets.get(),           1, 1, 8, Activation::swiglu,
                                tests::kDType<TypeParam>};
  activate(shape, h.get(), a.get(), nullptr);
  activate_backward(shape, h.get(), d_a.get(), d_h.get(), nullptr);
  const auto got_a = a.to_host(), got_d_h = d_h.to_host();
  for (int c = 0; c < 8; ++c) {
    const double gate = as_double(values[c]);
    const double want = truth::activate(Activation::swiglu, gate, 1).a;
    EXPECT_NEAR(as_double(got_a[c]), want, 1e-30 + 1e-2 * std::abs(want)) << gate;
    EXPECT_NEAR(as_double(got_d_h[8 + c]), want, 1e-30 + 1e-2 * std::abs(want)) << gate;
    EXPECT_NEAR(as_double(got_d_h[c]), gate > 0 ? 1.0 : 0.0, 1e-2) << gate;
  }
}

TYPED_TEST(ActivationTest, LargeTensorsPass2To31Elements) {
  if (tests::kIsEmulated) GTEST_SKIP() << "too large for an emulated device";
  if (tests::kDType<TypeParam> != DType::bf16) GTEST_SKIP() << "bf16 has the same offsets";
  const int n = 2048, rows = (1 << 19) + 77;
  DeviceArray<TypeParam> h(std::size_t(rows) * 2 * n), d_a(std::size_t(rows) * n),
      a(std::size_t(rows) * n);
  random_fill({h.get(), DType::bf16, {rows, 2 * n}}, 1, RandomStream::tests, 1.0f, nullptr);
  random_fill({d_a.get(), DType::bf16, {rows, n}}, 2, RandomStream::tests, 1.0f, nullptr);
  const DeviceArray<int> offsets(std::vector<int>{0, rows});
  const ActivationRows shape = {offsets.get(), 1, rows, n, Activation::swiglu, DType::bf16};
  const std::vector<int> sampled = {0, 262144, (1 << 19) - 1, (1 << 19) + 1, rows - 1};
  std::vector<double> want_a, want_d_h;
  for (int row : sampled) {
    const auto h_row = tests::row_to_host(h.get(), row, 2 * n);
    append_activated<TypeParam>({Activation::swiglu}, h_row, n, want_a);
    append_gradient<TypeParam>({Activation::swiglu}, h_row, tests::row_to_host(d_a.get(), row, n),
                               n, want_d_h);
  }
  activate(shape, h.get(), a.get(), nullptr);
  activate_backward(shape, h.get(), d_a.get(), h.get(), nullptr);
  for (std::size_t i = 0; i < sampled.size(); ++i) {
    tests::expect_close<TypeParam>(tests::row_to_host(a.get(), sampled[i], n),
                                   {want_a.data() + i * n, std::size_t(n)});
    tests::expect_close<TypeParam>(tests::row_to_host(h.get(), sampled[i], 2 * n),
                                   {want_d_h.data() + i * 2 * n, std::size_t(2 * n)});
  }
}

}  // namespace
}  // namespace moe::cuda
