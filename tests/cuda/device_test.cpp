// The GPU as a Device, its cuBLAS products, and what a machine without one says.
#include "cuda/device/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "core/seeded.h"
#include "cuda/device/availability.h"
#include "cuda/device/nvml.h"
#include "cuda/runtime/blas.h"
#include "cuda/runtime/check.h"
#include "gpu.h"

namespace moe::cuda {
namespace {

using ::testing::HasSubstr;

TEST(NoGpu, ReasonNamesTheCause) {
  EXPECT_THAT(reason_without_device(cudaErrorInsufficientDriver, 0, 13000, nullptr),
              HasSubstr("no NVIDIA driver"));
  EXPECT_THAT(reason_without_device(cudaErrorInsufficientDriver, 12040, 13000, nullptr),
              HasSubstr("too old: it supports CUDA 12.4, this build needs CUDA 13.0"));
  EXPECT_THAT(reason_without_device(cudaErrorNoDevice, 13000, 13000, nullptr),
              HasSubstr("sees no GPU"));
  EXPECT_THAT(reason_without_device(cudaErrorNoDevice, 13000, 13000, ""),
              HasSubstr("CUDA_VISIBLE_DEVICES is ''"));
  EXPECT_THAT(reason_without_device(cudaErrorSystemDriverMismatch, 13000, 13000, nullptr),
              HasSubstr("does not start"));
}

TEST(UnusableGpu, ReasonNamesItsCapabilityAndWhatToConfigure) {
  for (const int capability : {80, 86, 89, 90, 100, 120}) {
    EXPECT_EQ(reason_against_gpu(capability, true), "");
    EXPECT_THAT(reason_against_gpu(capability, false),
                HasSubstr("-DCMAKE_CUDA_ARCHITECTURES=" + std::to_string(capability)));
  }
  EXPECT_THAT(reason_against_gpu(86, false), HasSubstr("no code for compute capability 8.6;"));
  EXPECT_THAT(reason_against_gpu(120, false), HasSubstr("no code for compute capability 12.0;"));
  for (const bool has_code : {false, true}) {
    EXPECT_THAT(reason_against_gpu(75, has_code),
                HasSubstr("compute capability 7.5 has no bfloat16 arithmetic; 8.0 or newer"));
  }
}

TEST(Nvml, WithoutAGpuItKnowsNothing) {
  EXPECT_EQ(Nvml::open("no such bus"), nullptr);
}

TEST(Nvml, ThrottleReasonsInWords) {
  EXPECT_EQ(throttle_text(0), "");
  EXPECT_EQ(throttle_text(0x1 | 0x2), "");  // idle, and clocks that the user set
  EXPECT_EQ(throttle_text(0x4 | 0x40), "power cap, thermal (hardware)");
}

TEST(NoGpu, EitherDevicesOrAReason) {
  EXPECT_EQ(make_cuda_devices().empty(), !no_cuda_reason().empty()) << no_cuda_reason();
}

class CudaDeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!tests::no_gpu_reason().empty()) GTEST_SKIP() << tests::no_gpu_reason();
    device_ = std::move(make_cuda_devices().front());
  }
  void TearDown() override {
    for (Memory memory : memories_) device_->release(memory);
  }

  Memory allocate(std::size_t bytes) { return memories_.emplace_back(device_->allocate(bytes)); }
  cudaStream_t stream() { return static_cast<cudaStream_t>(device_->stream().native); }

  std::unique_ptr<Device> device_;
  std::vector<Memory> memories_;
};

TEST_F(CudaDeviceTest, TraitsDescribeTheGpu) {
  const DeviceTraits& traits = device_->traits();
  EXPECT_EQ(traits.kind, DeviceKind::cuda);
  EXPECT_EQ(device_->id(), (DeviceId{DeviceKind::cuda, 0}));
  EXPECT_FALSE(traits.name.empty());
  EXPECT_GT(traits.num_cores, 1);
  EXPECT_GT(traits.memory_bytes, device_->free_bytes());
  EXPECT_GE(traits.compute_capability, 70);
  EXPECT_EQ(traits.has_bf16, traits.compute_capability >= 80);
  EXPECT_THAT(traits.gemm_library, ::testing::MatchesRegex("cuBLAS [0-9]+[.][0-9]+[.][0-9]+"));
}

TEST_F(CudaDeviceTest, EveryAllocationIsAligned) {
  for (std::size_t bytes : {0, 1, 1000, 5000, 2 << 20, (3 << 20) + 1, 100 << 20}) {
    const Memory memory = allocate(bytes);
    EXPECT_EQ(memory.bytes, bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.data) % device_->traits().alignment, 0u)
        << bytes;
  }
}

TEST_F(CudaDeviceTest, OutOfMemorySaysHowMuchAndLeavesTheDeviceUsable) {
  const std::size_t bytes = 2 * device_->traits().memory_bytes;
  try {
    allocate(bytes);
    FAIL() << "twice the memory was given";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::out_of_memory);
    EXPECT_THAT(error.what(), HasSubstr(std::to_string(bytes)));
    EXPECT_THAT(error.what(), HasSubstr("are free"));
  }
  device_->fill_bytes(allocate(1000), 1);
  device_->synchronize();
}

TEST_F(CudaDeviceTest, CopiesAndFillsInOrder) {
  const Memory memory = allocate(1001);
  std::vector<unsigned char> sent(1001, 7), back(1001);
  device_->fill_bytes(memory, 0xff);
  device_->copy_from_host(memory.data, sent.data(), 500);
  device_->copy_to_host(back.data(), memory.data, 1001);
  EXPECT_EQ(back[499], 7);
  EXPECT_EQ(back[500], 0xff);
  EXPECT_EQ(back[1000], 0xff);
}

TEST_F(CudaDeviceTest, FindsWhatIsNotFinite) {
  const std::int64_t count = 200001;
  for (const DType dtype : {DType::bf16, DType::f16, DType::f32}) {
    const std::size_t size = size_of(dtype);
    const Memory memory = allocate(count * size);
    const TensorView view(memory.data, dtype, {count});
    device_->fill_normal(view, 1, 1, 1.0f);
    EXPECT_EQ(device_->find_not_finite(view).count, 0);
    device_->fill_bytes({memory.data + 7000 * size, size}, 0xff);
    device_->fill_bytes({memory.data + 150000 * size, 2 * size}, 0xff);
    const NotFinite found = device_->find_not_finite(view);
    EXPECT_EQ(found.count, 3);
    EXPECT_EQ(found.first, 7000);
  }
}

TEST_F(CudaDeviceTest, AStopwatchHasALapBetweenMarks) {
  const Memory memory = allocate(std::size_t{1} << 30);
  const auto stopwatch = device_->make_stopwatch();
  EXPECT_TRUE(stopwatch->laps().empty());
  stopwatch->mark();
  device_->fill_bytes(memory, 1);
  stopwatch->mark();
  stopwatch->mark();
  const std::vector<double> laps = stopwatch->laps();
  ASSERT_EQ(laps.size(), 2u);
  EXPECT_GT(laps[0], laps[1]);
}

TEST_F(CudaDeviceTest, ConditionsArePlausibleWhereNvmlAnswers) {
  const auto conditions = device_->conditions();
  if (!conditions) GTEST_SKIP() << "no NVML here";
  EXPECT_GT(conditions->core_mhz, 100);
  EXPECT_GT(conditions->power_w, 10);
  EXPECT_LT(conditions->temperature_c, 120);
}

TEST_F(CudaDeviceTest, SeededNumbersAreTheHosts) {
  const std::int64_t count = 100003;
  const Memory memory = allocate(count * 2);
  device_->fill_normal({memory.data, DType::bf16, {count}}, 7,
                       static_cast<std::uint32_t>(RandomStream::w_up), 0.02f);
  std::vector<bfloat16> got(count), want(count);
  device_->copy_to_host(got.data(), memory.data, memory.bytes);
  fill_normal({want.data(), DType::bf16, {count}}, 7, RandomStream::w_up, 0.02f);
  EXPECT_EQ(std::memcmp(got.data(), want.data(), memory.bytes), 0);
}

/// Small whole numbers: products and sums are exact in bfloat16 inputs and float32 sums.
TEST_F(CudaDeviceTest, BatchedProductsTakeEveryOrder) {
  const std::int64_t batch = 3, m = 16, n = 24, k = 8;
  ASSERT_TRUE(device_->has_batched_products());
  std::vector<float> a(batch * m * k), b(batch * k * n), c(batch * m * n);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i % 7) - 3;
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i % 5) - 2;
  const Memory device_a = allocate(4 * a.size()), device_b = allocate(4 * b.size()),
               device_c = allocate(4 * c.size());
  const Memory scratch = allocate(device_->traits().gemm_scratch_bytes);
  device_->copy_from_host(device_a.data, a.data(), device_a.bytes);
  device_->copy_from_host(device_b.data, b.data(), device_b.bytes);
  for (const bool transposed_a : {false, true}) {
    for (const bool transposed_b : {false, true}) {
      device_->multiply({batch, m, n, k, DType::f32, device_a.data, device_b.data, device_c.data,
                         transposed_a, transposed_b, scratch});
      device_->copy_to_host(c.data(), device_c.data, device_c.bytes);
      for (std::int64_t i = 0; i < batch * m * n; ++i) {
        const std::int64_t e = i / (m * n), row = i / n % m, column = i % n;
        float want = 0;
        for (std::int64_t j = 0; j < k; ++j) {
          want += a[e * m * k + (transposed_a ? j * m + row : row * k + j)] *
                  b[e * k * n + (transposed_b ? column * k + j : j * n + column)];
        }
        ASSERT_EQ(c[i], want) << "at " << i << ", transposed " << transposed_a << transposed_b;
      }
    }
  }
}

TEST_F(CudaDeviceTest, TimeCoversWhatRunsOnTheStream) {
  const Memory memory = allocate(std::size_t{4} << 30);
  const double nothing = device_->time([] {});
  double filling = device_->time([&] { device_->fill_bytes(memory, 1); });
  filling = device_->time([&] { device_->fill_bytes(memory, 1); });
  EXPECT_LT(nothing, 100e-6);
  EXPECT_GT(filling, static_cast<double>(memory.bytes) / 10e12);
  EXPECT_LT(filling, static_cast<double>(memory.bytes) / 0.1e12);
}

TEST_F(CudaDeviceTest, CeilingsAreThoseOfAGpu) {
  const Ceilings bf16 = device_->measure_ceilings(DType::bf16),
                 f16 = device_->measure_ceilings(DType::f16),
                 f32 = device_->measure_ceilings(DType::f32);
  std::printf("%s, %s: bf16 %.0f TFLOP/s, fp32 %.1f TFLOP/s, copy %.2f TB/s\n",
              device_->traits().name.c_str(), device_->traits().gemm_library.c_str(),
              bf16.gemm_flops_per_s / 1e12, f32.gemm_flops_per_s / 1e12,
              bf16.copy_bytes_per_s / 1e12);
  const bool is_hopper = device_->traits().compute_capability == kHopperCapability;
  EXPECT_GT(bf16.gemm_flops_per_s, (is_hopper ? 2 : 1) * f32.gemm_flops_per_s);
  EXPECT_GT(f16.gemm_flops_per_s, 0.5 * bf16.gemm_flops_per_s);
  EXPECT_GT(f32.gemm_flops_per_s, 1e12);
  EXPECT_GT(bf16.copy_bytes_per_s, 0.2e12);
  EXPECT_LT(bf16.copy_bytes_per_s, 20e12);
}

/// Dense host copies of one product of a batch, in double.
struct HostMatrix {
  std::vector<double> value;
  std::int64_t stride;
  bool transposed;
  double at(std::int64_t row, std::int64_t column) const {
    return transposed ? value[column * stride + row] : value[row * stride + column];
  }
};

class BlasTest : public CudaDeviceTest {
 protected:
  static constexpr std::int64_t kM = 33, kN = 40, kK = 56, kPad = 8, kBatch = 3;

  /// Random [batch, rows, columns + pad] on the device, and the same in double.
  std::pair<void*, std::vector<double>> random_matrix(std::int64_t size, DType dtype,
                                                      std::uint64_t seed) {
    std::vector<std::byte> host(size * size_of(dtype));
    fill_normal({host.data(), dtype, {size}}, seed, RandomStream::tests, 1.0f);
    const Memory memory = allocate(host.size());
    device_->copy_from_host(memory.data, host.data(), host.size());
    return {memory.data, as_double(host, dtype)};
  }

  template <class Element>
  static float value_at(const std::vector<std::byte>& bytes, std::size_t i) {
    Element element;
    std::memcpy(&element, bytes.data() + sizeof(Element) * i, sizeof(Element));
    return static_cast<float>(element);
  }

  static std::vector<double> as_double(const std::vector<std::byte>& bytes, DType dtype) {
    std::vector<double> values(bytes.size() / size_of(dtype));
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (dtype == DType::bf16) values[i] = value_at<bfloat16>(bytes, i);
      if (dtype == DType::f16) values[i] = value_at<float16>(bytes, i);
      if (dtype == DType::f32) values[i] = value_at<float>(bytes, i);
    }
    return values;
  }

  void expect_right(DType in, DType out, bool a_transposed, bool b_transposed,
                    Accumulate accumulate, std::int64_t batch, std::int64_t k = kK) {
    const std::int64_t a_rows = a_transposed ? kK : kM, a_stride = (a_transposed ? kM : kK) + kPad;
    const std::int64_t b_rows = b_transposed ? kN : kK, b_stride = (b_transposed ? kK : kN) + kPad;
    const std::int64_t c_stride = kN + kPad;
    const auto [a, a_values] = random_matrix(batch * a_rows * a_stride, in, 1);
    const auto [b, b_values] = random_matrix(batch * b_rows * b_stride, in, 2);
    const auto [c, c_before] = random_matrix(batch * kM * c_stride, out, 3);
    RowProduct product = {.m = kM,
                          .n = kN,
                          .k = k,
                          .in_dtype = in,
                          .out_dtype = out,
                          .accumulate = accumulate,
                          .batch = batch};
    product.a = {a, a_stride, a_transposed, a_rows * a_stride};
    product.b = {b, b_stride, b_transposed, b_rows * b_stride};
    product.c = {c, c_stride, kM * c_stride};
    Blas blas(0);
    blas.use(stream(), allocate(device_->traits().gemm_scratch_bytes));
    blas.gemm_rows(product);
    std::vector<std::byte> bytes(c_before.size() * size_of(out));
    device_->copy_to_host(bytes.data(), c, bytes.size());
    const std::vector<double> got = as_double(bytes, out);
    double error = 0, norm = 1e-30;
    for (std::int64_t each = 0; each < batch; ++each) {
      const auto part = [&](const std::vector<double>& all, std::int64_t size) {
        return std::vector<double>(all.begin() + each * size, all.begin() + (each + 1) * size);
      };
      const HostMatrix am{part(a_values, a_rows * a_stride), a_stride, a_transposed};
      const HostMatrix bm{part(b_values, b_rows * b_stride), b_stride, b_transposed};
      for (std::int64_t i = 0; i < kM; ++i) {
        for (std::int64_t j = 0; j < c_stride; ++j) {
          const std::size_t at = (each * kM + i) * c_stride + j;
          double want =
              accumulate == Accumulate::add || j >= kN ? c_before[at] : 0.0;  // padding stays
          for (std::int64_t x = 0; x < k && j < kN; ++x) want += am.at(i, x) * bm.at(x, j);
          error += (got[at] - want) * (got[at] - want);
          norm += want * want;
        }
      }
    }
    const double tolerance = out == DType::bf16 ? 2.5e-3 : out == DType::f16 ? 2.5e-3 / 8 : 1e-5;
    EXPECT_TRUE(std::sqrt(error / norm) < tolerance)
        << name_of(in) << " " << name_of(out) << " " << a_transposed << b_transposed << " batch "
        << batch << ": " << std::sqrt(error / norm);
  }
};

TEST_F(BlasTest, RowMajorProductsOfEveryForm) {
  for (const auto& [in, out] : {std::pair{DType::bf16, DType::bf16},
                                {DType::bf16, DType::f32},
                                {DType::f16, DType::f16},
                                {DType::f16, DType::f32},
                                {DType::f32, DType::f32}}) {
    for (int form = 0; form < 4; ++form) {
      for (Accumulate accumulate : {Accumulate::overwrite, Accumulate::add}) {
        expect_right(in, out, form % 2 == 1, form / 2 == 1, accumulate, 1);
        expect_right(in, out, form % 2 == 1, form / 2 == 1, accumulate, kBatch);
      }
    }
    expect_right(in, out, false, true, Accumulate::overwrite, 1, 0);  // a product over nothing
    expect_right(in, out, true, false, Accumulate::add, kBatch, 0);
  }
}

TEST_F(BlasTest, RefusedProductsAreErrors) {
  Blas blas(0);
  EXPECT_THROW(blas.gemm_rows({.m = 1, .n = 1, .k = 1, .in_dtype = DType::i32}), Error);
  RowProduct product = {.m = 4, .n = 4, .k = 4};  // strides below the width
  EXPECT_THROW(blas.gemm_rows(product), Error);
}

}  // namespace
}  // namespace moe::cuda
