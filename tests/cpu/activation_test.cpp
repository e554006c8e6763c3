// The layouts of H hold the same numbers in another order: the same bits come out of either.
#include "cpu/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/random.h"
#include "cpu/element.h"
#include "moe/config.h"
#include "support/interleave.h"

namespace moe::cpu {
namespace {

constexpr std::int64_t kRows = 7, kChannels = 37;  // no multiple of any vector

struct Shape {
  DType dtype;
  Activation activation;
};

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (const Activation activation : kActivations) {
    if (!is_gated(activation)) continue;
    all.push_back({DType::f32, activation});
    all.push_back({DType::bf16, activation});
    all.push_back({DType::f16, activation});
  }
  return all;
}

/// Far enough out for curves to be flat and clamps to cut.
template <class Element>
std::vector<Element> random_values(std::int64_t count, std::uint64_t seed) {
  std::vector<Element> values;
  for (std::int64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<Element>(
        4.0f * random_normal(seed, RandomStream::tests, static_cast<std::uint64_t>(i))));
  }
  return values;
}

template <class Element>
std::vector<Element> in_turns(const std::vector<Element>& h) {
  return tests::interleaved<Element>(h, kChannels, 1);
}

template <class Element>
bool same_bits(const std::vector<Element>& a, const std::vector<Element>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Element)) == 0;
}

class ActivationLayout : public ::testing::TestWithParam<Shape> {};

template <class Element>
void expect_same_bits(const Shape& shape) {
  using Values = std::vector<Element>;
  const auto view = [&](Values& values) {
    return TensorView{values.data(), shape.dtype, {std::int64_t(values.size())}};
  };
  Values h = random_values<Element>(kRows * 2 * kChannels, 1), turned = in_turns(h);
  Values d_a = random_values<Element>(kRows * kChannels, 2);
  Values a(d_a.size()), a_turned(d_a.size()), d_h(h.size()), d_h_turned(h.size());
  const auto run = [&](UpLayout layout, Values& from, Values& to_a, Values& to_d_h) {
    activate(shape.activation, layout, view(from), kRows, kChannels, view(to_a));
    activate_backward(shape.activation, layout, view(from), view(d_a), kRows, kChannels,
                      view(to_d_h));
  };
  run(UpLayout::concatenated, h, a, d_h);
  run(UpLayout::interleaved, turned, a_turned, d_h_turned);
  EXPECT_TRUE(same_bits(a_turned, a));
  EXPECT_TRUE(same_bits(d_h_turned, in_turns(d_h)));

  const std::vector<float> d_a_rows = random_values<float>(kRows * kChannels, 3),
                           scores = random_values<float>(kRows, 4);
  std::vector<float> d_scores(kRows), d_scores_turned(kRows);
  const auto run_epilogue = [&](UpLayout layout, Values& both, Values& a_scaled, float* to) {
    sonic_epilogue(shape.activation, layout,
                   {view(both), d_a_rows.data(), scores.data(), view(a_scaled), view(both), to},
                   kRows, kChannels);
  };
  run_epilogue(UpLayout::concatenated, h, a, d_scores.data());
  run_epilogue(UpLayout::interleaved, turned, a_turned, d_scores_turned.data());
  EXPECT_TRUE(same_bits(a_turned, a));
  EXPECT_TRUE(same_bits(turned, in_turns(h))) << "d_h in the place of h";
  for (std::size_t i = 0; i < d_scores.size();
       ++i)  // summed in the order of the compiler's vectors
    EXPECT_NEAR(d_scores_turned[i], d_scores[i], 1e-5 * std::abs(d_scores[i]) + 1e-4);
}

TEST_P(ActivationLayout, ChangesNoBit) {
  with_element(GetParam().dtype, []<class Element>() { expect_same_bits<Element>(GetParam()); });
}

INSTANTIATE_TEST_SUITE_P(Cpu, ActivationLayout, ::testing::ValuesIn(shapes()),
                         [](const auto& info) {
                           return std::string(name_of(info.param.activation)) + "_" +
                                  std::string(name_of(info.param.dtype));
                         });

}  // namespace
}  // namespace moe::cpu
