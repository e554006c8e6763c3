// Experts come and go: made at the first acquire, once for all who use them, forgotten after the
// last release.
#include "measure/verify/expert_image.h"

#include <gtest/gtest.h>

#include "core/seeded.h"
#include "measure/problem/problem.h"
#include "support/bench.h"

namespace moe::measure {
namespace {

LayerConfig wide_layer() {
  return tests::layer(256, 64, 6, 2);  // an expert's w_up [128, 256] is many pages
}

struct Counted {
  int fills = 0;
  ExpertImage image{wide_layer(), [this](const ExpertImage::Part& up, const ExpertImage::Part&) {
                      ++fills;
                      for (std::int64_t i = 0; i < up.view.size(); ++i)
                        up.view.as<float>()[i] = static_cast<float>(up.first + i);
                    }};
  float up(std::int64_t index) const { return image.up().as<float>()[index]; }
};

TEST(ExpertImage, HasTheAddressesOfTheWholeTensor) {
  Counted counted;
  EXPECT_EQ(counted.image.up().size(), 6 * 128 * 256);
  EXPECT_EQ(counted.image.down().size(), 6 * 256 * 64);
  EXPECT_EQ(counted.fills, 0);
}

TEST(ExpertImage, AnExpertIsThereWhileItIsAcquired) {
  Counted counted;
  const std::int64_t size = 128 * 256;
  counted.image.acquire(3);
  counted.image.acquire(3);
  EXPECT_EQ(counted.fills, 1);
  EXPECT_EQ(counted.up(3 * size), 3.0f * size);
  EXPECT_EQ(counted.up(4 * size - 1), 4.0f * size - 1);
  counted.image.release(3);
  EXPECT_EQ(counted.up(3 * size + 9), 3.0f * size + 9) << "somebody still uses it";
  counted.image.release(3);
  EXPECT_EQ(counted.up(3 * size + size / 2), 0.0f) << "its pages were not given back";
  counted.image.acquire(3);
  EXPECT_EQ(counted.fills, 2);
  EXPECT_EQ(counted.up(3 * size), 3.0f * size);
  counted.image.release(3);
}

TEST(SeededParts, AreThoseOfTheWhole) {
  std::vector<float> whole(1000), part(300);
  fill_normal({whole.data(), DType::f32, {1000}}, 9, RandomStream::w_up, 0.5f);
  fill_normal({part.data(), DType::f32, {300}}, 9, RandomStream::w_up, 0.5f, 650);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 650));
}

}  // namespace
}  // namespace moe::measure
