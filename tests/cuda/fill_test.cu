// The seeded fill against the host's, bit for bit.
#include <gtest/gtest.h>

#include "core/seeded.h"
#include "row_data.cuh"

namespace moe::cuda {
namespace {

using tests::DeviceArray;

class RandomFillTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!tests::no_gpu_reason().empty()) GTEST_SKIP() << tests::no_gpu_reason();
  }
};

template <class Element>
void expect_host_numbers(std::int64_t count, std::uint64_t seed, RandomStream numbers,
                         float deviation) {
  constexpr std::int64_t kGuard = 64;
  DeviceArray<Element> values(count + kGuard);
  MOE_CUDA_CHECK(cudaMemset(values.get(), 0xff, values.size() * sizeof(Element)));
  random_fill({values.get(), tests::kDType<Element>, {count}}, seed, numbers, deviation, nullptr);
  const std::vector<Element> got = values.to_host();
  std::vector<Element> want(count);
  fill_normal({want.data(), tests::kDType<Element>, {count}}, seed, numbers, deviation);
  EXPECT_EQ(std::memcmp(got.data(), want.data(), count * sizeof(Element)), 0)
      << count << " elements";
  tests::expect_unwritten<Element>({got.begin() + count, got.end()});
}

TEST_F(RandomFillTest, EqualsTheHostBitForBit) {
  for (std::int64_t count : {0, 1, 7, 255, 256, 100003, 5000001}) {
    expect_host_numbers<float>(count, 42, RandomStream::x, 0.2f);
    expect_host_numbers<__nv_bfloat16>(count, 42, RandomStream::w_up, 0.02f);
    expect_host_numbers<__half>(count, 42, RandomStream::w_up, 0.02f);
  }
  expect_host_numbers<__nv_bfloat16>(4096, 0xfedcba9876543210ull, RandomStream::d_out, 1.0f);
}

TEST_F(RandomFillTest, LargeIndexPassesFourBillion) {
  if (tests::kIsEmulated) GTEST_SKIP() << "too large for an emulated device";
  const std::int64_t count = (std::int64_t{1} << 32) + 5000;
  DeviceArray<__nv_bfloat16> values(count);
  random_fill({values.get(), DType::bf16, {count}}, 3, RandomStream::w_down, 0.5f, nullptr);
  for (std::int64_t first :
       {std::int64_t{0}, std::int64_t{1} << 31, (std::int64_t{1} << 32) - 8, count - 1000}) {
    const auto got = tests::row_to_host(values.get() + first, 0, 1000);
    for (std::int64_t i = 0; i < 1000; ++i) {
      const bfloat16 want(0.5f * random_normal(3, RandomStream::w_down, first + i));
      ASSERT_EQ(std::memcmp(&got[i], &want, 2), 0) << first + i;
    }
  }
}

}  // namespace
}  // namespace moe::cuda
