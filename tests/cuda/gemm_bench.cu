// Grouped GEMM kernels beside cuBLAS batched products of the same size, interleaved, cold L2, medians.
#include <cublas_v2.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>

#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/kernels/gemm/grouped_gemm_instances.h"
#include "device_data.cuh"

namespace {

using namespace moe::cuda;
using moe::tests::DeviceArray;
using Bf16 = __nv_bfloat16;

struct Shape {
  const char* name;
  int T, d, n, E, K;
};

constexpr Shape kShapes[] = {{"1.4b-n256", 40960, 768, 256, 128, 8},   {"7b-n256", 24576, 1536, 256, 128, 8},
                             {"7b-n1024", 24576, 1536, 1024, 32, 2},  {"30b-n256", 32768, 4096, 256, 256, 16},
                             {"120b-n1024", 32768, 4096, 1024, 128, 8}, {"sparse", 16384, 4096, 1024, 256, 8},
                             {"medium/4", 4096, 4096, 14336, 16, 4},   {"small", 4096, 1024, 4096, 8, 2}};

std::vector<int> natural_offsets(const Shape& s) {
  std::mt19937_64 random(42);
  std::vector<int> counts(s.E), offsets = {0};
  std::vector<int> experts(s.E);
  for (int e = 0; e < s.E; ++e) experts[e] = e;
  for (int t = 0; t < s.T; ++t) {
    for (int k = 0; k < s.K; ++k) {
      std::swap(experts[k], experts[k + random() % (s.E - k)]);
      ++counts[experts[k]];
    }
  }
  for (int count : counts) offsets.push_back(offsets.back() + count);
  return offsets;
}

class Bench {
 public:
  Bench() : flush_(256 << 20) {
    MOE_CUDA_CHECK(cudaEventCreate(&start_));
    MOE_CUDA_CHECK(cudaEventCreate(&stop_));
  }
  float time(const std::function<void()>& work) {
    MOE_CUDA_CHECK(cudaMemsetAsync(flush_.get(), 1, flush_.size()));
    MOE_CUDA_CHECK(cudaEventRecord(start_));
    work();
    MOE_CUDA_CHECK(cudaEventRecord(stop_));
    MOE_CUDA_CHECK(cudaEventSynchronize(stop_));
    float ms = 0;
    MOE_CUDA_CHECK(cudaEventElapsedTime(&ms, start_, stop_));
    return ms;
  }
  /// Medians of all, interleaved.
  std::vector<float> medians(const std::vector<std::function<void()>>& works, int rounds) {
    std::vector<std::vector<float>> samples(works.size());
    for (int round = -2; round < rounds; ++round) {
      for (std::size_t i = 0; i < works.size(); ++i) {
        const float ms = time(works[i]);
        if (round >= 0) samples[i].push_back(ms);
      }
    }
    std::vector<float> result;
    for (auto& each : samples) {
      std::sort(each.begin(), each.end());
      result.push_back(each[each.size() / 2]);
    }
    return result;
  }

 private:
  DeviceArray<unsigned char> flush_;
  cudaEvent_t start_, stop_;
};

cublasHandle_t blas;
int num_sms;

/// Row-major C [m, n] = op(A) op(B) for every one of `batch` equal products.
void cublas_batched(bool ta, bool tb, int m, int n, int k, int batch, const Bf16* a, const Bf16* b, Bf16* c) {
  const float one = 1, zero = 0;
  const cublasStatus_t status = cublasGemmStridedBatchedEx(
      blas, tb ? CUBLAS_OP_T : CUBLAS_OP_N, ta ? CUBLAS_OP_T : CUBLAS_OP_N, n, m, k, &one, b, CUDA_R_16BF, tb ? k : n,
      std::int64_t(n) * k, a, CUDA_R_16BF, ta ? m : k, std::int64_t(m) * k, &zero, c, CUDA_R_16BF, n,
      std::int64_t(m) * n, batch, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
  if (status != CUBLAS_STATUS_SUCCESS) std::printf("cublas failed: %d\n", int(status));
}

template <Ragged kRagged, WeightLayout kLayout>
void bench_form(Bench& bench, const Shape& s, const char* name, int m, int n, int k, int rounds) {
  constexpr bool kByRows = kRagged == Ragged::rows;
  const std::int64_t rows = std::int64_t(s.T) * s.K;
  const std::vector<int> offsets = natural_offsets(s);
  DeviceArray<int> device_offsets(offsets);
  DeviceArray<Bf16> a(rows * (kByRows ? k : m)), b(kByRows ? std::size_t(s.E) * n * k : std::size_t(rows) * n);
  DeviceArray<Bf16> c(kByRows ? std::size_t(rows) * n : std::size_t(s.E) * m * n);
  moe::tests::fill_random(a, 1, 0.2f);
  moe::tests::fill_random(b, 2, 0.02f);
  const GroupedGemmProblem problem{a.get(), b.get(), c.get(), device_offsets.get(), rows, s.E, m, n, k};
  const int mean = static_cast<int>(rows / s.E);
  const auto times = bench.medians(
      {[&] { launch_grouped_gemm<kRagged, kLayout, kTile128x256>(problem, num_sms, nullptr); },
       [&] { launch_grouped_gemm<kRagged, kLayout, kTile128x256Alone>(problem, num_sms, nullptr); },
       [&] { launch_grouped_gemm<kRagged, kLayout, kTile128x192>(problem, num_sms, nullptr); },
       [&] { launch_grouped_gemm<kRagged, kLayout, kTile128x128>(problem, num_sms, nullptr); },
       [&] {
         if (kByRows) cublas_batched(false, kLayout == WeightLayout::n_by_k, mean, n, k, s.E, a.get(), b.get(), c.get());
         else cublas_batched(true, false, m, n, mean, s.E, a.get(), b.get(), c.get());
       }},
      rounds);
  const double flops = 2.0 * rows * n * (kByRows ? k : m);
  std::printf("%-11s %-5s", s.name, name);
  for (float ms : times) std::printf(" %8.4f %5.0f |", ms, flops / ms / 1e9);
  std::printf(" best/cublas %.3f\n", times.back() / *std::min_element(times.begin(), times.end() - 1));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, 0) != cudaSuccess) return std::printf("no GPU\n"), 3;
  num_sms = properties.multiProcessorCount;
  cublasCreate(&blas);
  DeviceArray<char> workspace(32 << 20);
  cublasSetWorkspace(blas, workspace.get(), workspace.size());
  Bench bench;
  std::printf("%s, %d multiprocessors; ms and TFLOP/s: 128x256 pair | 128x256 | 128x192 | 128x128 pair | cuBLAS\n", properties.name, num_sms);
  for (const Shape& s : kShapes) {
    const int u = 2 * s.n;
    bench_form<Ragged::rows, WeightLayout::n_by_k>(bench, s, "up", 0, u, s.d, rounds);
    bench_form<Ragged::rows, WeightLayout::n_by_k>(bench, s, "down", 0, s.d, s.n, rounds);
    bench_form<Ragged::rows, WeightLayout::k_by_n>(bench, s, "d_a", 0, s.n, s.d, rounds);
    bench_form<Ragged::rows, WeightLayout::k_by_n>(bench, s, "d_x", 0, s.d, u, rounds);
    bench_form<Ragged::reduction, WeightLayout::n_by_k>(bench, s, "d_wd", s.d, s.n, 0, rounds);
    bench_form<Ragged::reduction, WeightLayout::n_by_k>(bench, s, "d_wu", u, s.d, 0, rounds);
  }
  return 0;
}
