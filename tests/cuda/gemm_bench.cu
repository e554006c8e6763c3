// Times every instance of the expert GEMMs beside cuBLAS batched products of the same size, in an
// order drawn anew each round. Two ways, for a card at its power limit lowers its clock, and by how
// much depends on what ran before:
//
//   rested   one run with a cold L2 after 20 ms of rest each, so that all run at the highest clock:
//            cycles decide
//   settled  60 ms of runs behind 40 ms of the same, untimed, each with the L2 as the one before
//            left it: energy decides as well, as in a layer
//
//   gemm_bench [ROUNDS] [all | gathered | d_act | steps | -] [rested | settled] [SHAPE]
#include <cublas_v2.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <thread>

#include "cuda/kernels/gemm/d_act.h"
#include "cuda/kernels/gemm/grouped_gemm.h"
#include "cuda/kernels/gemm/up_proj.h"
#include "device_data.cuh"

namespace {

using namespace moe::cuda;
using moe::tests::DeviceArray;
using Bf16 = __nv_bfloat16;

struct Shape {
  const char* name;
  int T, d, n, E, K;
};

constexpr Shape kShapes[] = {
    {"1.4b-n256", 40960, 768, 256, 128, 8},    {"7b-n256", 24576, 1536, 256, 128, 8},
    {"7b-n1024", 24576, 1536, 1024, 32, 2},    {"30b-n256", 32768, 4096, 256, 256, 16},
    {"120b-n1024", 32768, 4096, 1024, 128, 8}, {"sparse", 16384, 4096, 1024, 256, 8},
    {"medium/4", 4096, 4096, 14336, 16, 4},    {"ds/2", 16384, 7168, 2048, 256, 8},
    {"small", 4096, 1024, 4096, 8, 2}};
// Of `steps`: reductions long enough for CTAs to drift apart, d_x's at least.
constexpr Shape kLongShapes[] = {
    {"30b-n256", 32768, 4096, 256, 256, 16},   {"30b-n1024", 32768, 4096, 1024, 64, 4},
    {"120b-n1024", 32768, 4096, 1024, 128, 8}, {"sparse", 16384, 4096, 1024, 256, 8},
    {"ds/4", 8192, 7168, 2048, 256, 8},        {"ds/2", 16384, 7168, 2048, 256, 8},
    {"ds", 32768, 7168, 2048, 256, 8},         {"kimi/2", 16384, 7168, 2048, 384, 8},
    {"medium", 16384, 4096, 14336, 64, 4},     {"small", 4096, 1024, 4096, 8, 2}};

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
  explicit Bench(bool is_settled) : is_settled_(is_settled), flush_(256 << 20) {
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
    std::vector<std::size_t> order(works.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::mt19937 random(5);
    for (int round = -1; round < rounds; ++round) {
      std::shuffle(order.begin(), order.end(), random);  // nobody always follows the same neighbour
      for (const std::size_t at : order) {
        const float ms = is_settled_ ? time_settled(works[at]) : time_rested(works[at]);
        if (round >= 0) samples[at].push_back(ms);
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
  float time_rested(const std::function<void()>& work) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return time(work);
  }
  /// Mean of as many runs as take 60 ms.
  float time_settled(const std::function<void()>& work) {
    const float once = time(work);
    time_runs(work, 40, once);
    return time_runs(work, 60, once);
  }
  float time_runs(const std::function<void()>& work, float ms, float once) {
    const int runs = std::max(1, static_cast<int>(ms / once));
    return time([&] {
             for (int i = 0; i < runs; ++i) work();
           }) /
           static_cast<float>(runs);
  }

  bool is_settled_;
  DeviceArray<unsigned char> flush_;
  cudaEvent_t start_, stop_;
};

cublasHandle_t blas;
int num_sms;

/// Row-major C [m, n] = op(A) op(B) for every one of `batch` equal products.
void cublas_batched(bool ta, bool tb, int m, int n, int k, int batch, const Bf16* a, const Bf16* b,
                    Bf16* c) {
  const float one = 1, zero = 0;
  const cublasStatus_t status = cublasGemmStridedBatchedEx(
      blas, tb ? CUBLAS_OP_T : CUBLAS_OP_N, ta ? CUBLAS_OP_T : CUBLAS_OP_N, n, m, k, &one, b,
      CUDA_R_16BF, tb ? k : n, std::int64_t(n) * k, a, CUDA_R_16BF, ta ? m : k, std::int64_t(m) * k,
      &zero, c, CUDA_R_16BF, n, std::int64_t(m) * n, batch, CUBLAS_COMPUTE_32F,
      CUBLAS_GEMM_DEFAULT);
  if (status != CUBLAS_STATUS_SUCCESS) std::printf("cublas failed: %d\n", int(status));
}

constexpr GroupedTile kTiles[] = {GroupedTile::m128n256_pair, GroupedTile::m128n256,
                                  GroupedTile::m128n192, GroupedTile::m128n128_ping_pong};

void print(const Shape& s, const char* name, double flops, const std::vector<float>& times) {
  std::printf("%-11s %-6s", s.name, name);
  for (float ms : times) std::printf(" %8.4f %4.0f |", ms, flops / ms / 1e9);
  std::printf(" best/cublas %.3f\n",
              times.back() / *std::min_element(times.begin(), times.end() - 1));
  std::fflush(stdout);
}

void bench_rows(Bench& bench, const Shape& s, const char* name, WeightLayout layout, int n, int k,
                int rounds) {
  const std::int64_t rows = std::int64_t(s.T) * s.K;
  DeviceArray<int> offsets(natural_offsets(s));
  DeviceArray<Bf16> a(rows * k), b(std::size_t(s.E) * n * k), c(std::size_t(rows) * n);
  moe::tests::fill_random(a, 1, 0.2f);
  moe::tests::fill_random(b, 2, 0.02f);
  DeviceArray<std::byte> scratch(stream_scratch_bytes(num_sms));
  GroupedRowsProblem problem{a.get(), b.get(), c.get(), offsets.get(), rows, s.E, n, k};
  problem.stream_scratch = scratch.get();
  std::vector<GroupedTile> tiles(std::begin(kTiles), std::end(kTiles));
  tiles.push_back(GroupedTile::m128n256_streamed);
  std::vector<std::function<void()>> works;
  for (const GroupedTile tile : tiles)
    works.push_back([&, tile] { multiply_rows(problem, layout, tile, num_sms, nullptr); });
  works.push_back([&] {
    cublas_batched(false, layout == WeightLayout::n_by_k, int(rows / s.E), n, k, s.E, a.get(),
                   b.get(), c.get());
  });
  print(s, name, 2.0 * rows * n * k, bench.medians(works, rounds));
}

std::vector<int> random_tokens(
    const Shape& s) {  // ascending inside an expert, as a router gives them
  std::vector<int> tokens;
  const std::vector<int> offsets = natural_offsets(s);
  std::mt19937_64 random(7);
  for (int e = 0; e < s.E; ++e) {
    std::vector<int> own;
    for (int r = offsets[e]; r < offsets[e + 1]; ++r) own.push_back(int(random() % s.T));
    std::sort(own.begin(), own.end());
    tokens.insert(tokens.end(), own.begin(), own.end());
  }
  return tokens;
}

void bench_gradient(Bench& bench, const Shape& s, const char* name, int m, int n, bool gathered,
                    bool transposed, int rounds) {
  const std::int64_t rows = std::int64_t(s.T) * s.K;
  DeviceArray<int> offsets(natural_offsets(s)), tokens(random_tokens(s));
  DeviceArray<Bf16> a(rows * m), b(std::size_t(rows) * n), c(std::size_t(s.E) * m * n);
  moe::tests::fill_random(a, 1, 0.2f);
  moe::tests::fill_random(b, 2, 0.02f);
  std::vector<std::function<void()>> works;
  for (const GroupedTile tile : kTiles) {
    works.push_back([&, tile] {
      weight_gradient({a.get(), b.get(), c.get(), offsets.get(), gathered ? tokens.get() : nullptr,
                       s.E, m, n, transposed},
                      tile, num_sms, nullptr);
    });
  }
  works.push_back(
      [&] { cublas_batched(true, false, m, n, int(rows / s.E), s.E, a.get(), b.get(), c.get()); });
  print(s, name, 2.0 * rows * n * m, bench.medians(works, rounds));
}

void bench_up(Bench& bench, const Shape& s, int rounds) {
  const std::int64_t rows = std::int64_t(s.T) * s.K;
  DeviceArray<int> offsets(natural_offsets(s)), tokens(random_tokens(s));
  DeviceArray<Bf16> x(rows * s.d), w(std::size_t(s.E) * 2 * s.n * s.d),
      h(std::size_t(rows) * 2 * s.n), a(std::size_t(rows) * s.n);
  moe::tests::fill_random(x, 1, 0.2f);
  moe::tests::fill_random(w, 2, 0.02f);
  const auto up = [&](UpProjTile tile, void* keep) {
    up_proj({x.get(), tokens.get(), w.get(), keep, a.get(), offsets.get(), s.E, s.n, s.d}, tile,
            num_sms, nullptr);
  };
  print(s, "up+act", 4.0 * rows * s.n * s.d,
        bench.medians(
            {[&] { up(UpProjTile::n128_pair, h.get()); }, [&] { up(UpProjTile::n128, h.get()); },
             [&] { up(UpProjTile::n128_pair, nullptr); },
             [&] { up(UpProjTile::n64_ping_pong, h.get()); },
             [&] {
               cublas_batched(false, true, int(rows / s.E), 2 * s.n, s.d, s.E, x.get(), w.get(),
                              h.get());
             }},
            rounds));
}

void bench_d_act(Bench& bench, const Shape& s, int rounds) {
  const std::int64_t rows = std::int64_t(s.T) * s.K;
  DeviceArray<int> offsets(natural_offsets(s)), tokens(random_tokens(s));
  DeviceArray<float> scores(std::vector<float>(rows, 0.125f)),
      parts(std::size_t(d_score_part_count(s.n)) * rows);
  DeviceArray<Bf16> d_out(rows * s.d), w(std::size_t(s.E) * s.n * s.d),
      h(std::size_t(rows) * 2 * s.n), d_h(std::size_t(rows) * 2 * s.n), a(std::size_t(rows) * s.n);
  moe::tests::fill_random(d_out, 1, 0.2f);
  moe::tests::fill_random(w, 2, 0.02f);
  moe::tests::fill_random(h, 3, 0.3f);
  const auto run = [&](DActTile tile) {
    d_act({d_out.get(), tokens.get(), scores.get(), w.get(), h.get(), d_h.get(), a.get(),
           parts.get(), rows, offsets.get(), s.E, s.n, s.d},
          tile, num_sms, nullptr);
  };
  print(s, "d_act", 2.0 * rows * s.n * s.d,
        bench.medians({[&] { run(DActTile::n256_pair); }, [&] { run(DActTile::n256); },
                       [&] {
                         cublas_batched(false, false, int(rows / s.E), s.n, s.d, s.E, d_out.get(),
                                        w.get(), a.get());
                       }},
                      rounds));
}

/// Pair and alone, free and in step, and cuBLAS.
void print_steps(Bench& bench, const Shape& s, const char* name, double flops, int rounds,
                 const std::function<void(bool pair, unsigned* turns)>& run,
                 const std::function<void()>& dense) {
  DeviceArray<unsigned> turns(1);
  print(s, name, flops,
        bench.medians({[&] { run(true, nullptr); }, [&] { run(true, turns.get()); },
                       [&] { run(false, nullptr); }, [&] { run(false, turns.get()); }, dense},
                      rounds));
}

/// What keeping CTAs in step does to the four products by rows.
void bench_steps(Bench& bench, const Shape& s, int rounds) {
  const std::int64_t rows = std::int64_t(s.T) * s.K;
  const int mean = int(rows / s.E), u = 2 * s.n;
  DeviceArray<int> offsets(natural_offsets(s)), tokens(random_tokens(s));
  DeviceArray<float> scores(std::vector<float>(rows, 0.125f)),
      parts(std::size_t(d_score_part_count(s.n)) * rows);
  DeviceArray<Bf16> x(rows * s.d), w(std::size_t(s.E) * u * s.d), h(std::size_t(rows) * u),
      d_h(std::size_t(rows) * u), a(std::size_t(rows) * s.n);
  moe::tests::fill_random(x, 1, 0.2f);
  moe::tests::fill_random(w, 2, 0.02f);
  moe::tests::fill_random(h, 3, 0.3f);
  moe::tests::fill_random(a, 4, 0.3f);
  const auto rows_product = [&](const char* name, WeightLayout layout, const Bf16* from, int n,
                                int k) {
    const bool t = layout == WeightLayout::n_by_k;
    print_steps(
        bench, s, name, 2.0 * rows * n * k, rounds,
        [&, n, k](bool pair, unsigned* turns) {
          multiply_rows({.a = from,
                         .b = w.get(),
                         .c = x.get(),
                         .expert_offsets = offsets.get(),
                         .rows = rows,
                         .num_experts = s.E,
                         .n = n,
                         .k = k,
                         .turns = turns},
                        layout, pair ? GroupedTile::m128n256_pair : GroupedTile::m128n256, num_sms,
                        nullptr);
        },
        [&, n, k, t] { cublas_batched(false, t, mean, n, k, s.E, from, w.get(), x.get()); });
  };
  print_steps(
      bench, s, "up+act", 4.0 * rows * s.n * s.d, rounds,
      [&](bool pair, unsigned* turns) {
        up_proj({x.get(), tokens.get(), w.get(), h.get(), a.get(), offsets.get(), s.E, s.n, s.d,
                 moe::Activation::swiglu, turns},
                pair ? UpProjTile::n128_pair : UpProjTile::n128, num_sms, nullptr);
      },
      [&] { cublas_batched(false, true, mean, u, s.d, s.E, x.get(), w.get(), h.get()); });
  print_steps(
      bench, s, "d_act", 2.0 * rows * s.n * s.d, rounds,
      [&](bool pair, unsigned* turns) {
        d_act({x.get(), tokens.get(), scores.get(), w.get(), h.get(), d_h.get(), a.get(),
               parts.get(), rows, offsets.get(), s.E, s.n, s.d, moe::Activation::swiglu, turns},
              pair ? DActTile::n256_pair : DActTile::n256, num_sms, nullptr);
      },
      [&] { cublas_batched(false, false, mean, s.n, s.d, s.E, x.get(), w.get(), a.get()); });
  rows_product("down", WeightLayout::n_by_k, a.get(), s.d, s.n);
  rows_product("d_x", WeightLayout::k_by_n, h.get(), s.d, u);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
  const std::string only = argc > 2 ? argv[2] : "";
  const bool all = only == "all";
  const std::string way = argc > 3 ? argv[3] : "rested";
  const bool is_settled = way == "settled";
  const std::string shape = argc > 4 ? argv[4] : "";
  const auto is_meant = [&shape](const Shape& s) { return shape.empty() || shape == s.name; };
  if (rounds < 1 || argc > 5 || (!is_settled && way != "rested") ||
      (!only.empty() && !all && only != "gathered" && only != "d_act" && only != "steps" &&
       only != "-")) {
    std::fprintf(
        stderr,
        "usage: gemm_bench [ROUNDS] [all | gathered | d_act | steps | -] [rested | settled] "
        "[SHAPE]\n");
    return 2;
  }
  const std::span<const Shape> shapes =
      only == "steps" ? std::span<const Shape>(kLongShapes) : std::span<const Shape>(kShapes);
  if (std::none_of(shapes.begin(), shapes.end(), is_meant)) {
    std::fprintf(stderr, "gemm_bench: no shape %s here; known:", shape.c_str());
    for (const Shape& s : shapes) std::fprintf(stderr, " %s", s.name);
    std::fprintf(stderr, "\n");
    return 2;
  }
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, 0) != cudaSuccess) return std::printf("no GPU\n"), 3;
  num_sms = properties.multiProcessorCount;
  cublasCreate(&blas);
  DeviceArray<char> workspace(32 << 20);
  cublasSetWorkspace(blas, workspace.get(), workspace.size());
  Bench bench(is_settled);
  std::printf(
      "%s, %d multiprocessors; ms and TFLOP/s: 128x256 pair | 128x256 | 128x192 | 128x128 "
      "ping-pong | (rows: 128x256 streamed) | cuBLAS; up+act: pair, alone, pair without H, "
      "ping-pong; d_act: pair, alone\n",
      properties.name, num_sms);
  if (only == "steps") {
    std::printf("steps: pair, pair in step, alone, alone in step | cuBLAS\n");
    for (const Shape& s : shapes) {
      if (is_meant(s)) bench_steps(bench, s, rounds);
    }
    return 0;
  }
  for (const Shape& s : shapes) {
    if (!is_meant(s)) continue;
    const int u = 2 * s.n;
    if (all) {
      bench_rows(bench, s, "up", WeightLayout::n_by_k, u, s.d, rounds);
      bench_rows(bench, s, "d_a", WeightLayout::k_by_n, s.n, s.d, rounds);
      bench_gradient(bench, s, "d_wd", s.d, s.n, false, false, rounds);
      bench_gradient(bench, s, "d_wu", u, s.d, false, false, rounds);
    }
    if (only == "d_act") {
      bench_d_act(bench, s, rounds);
      continue;
    }
    bench_up(bench, s, rounds);
    if (only != "gathered") bench_rows(bench, s, "down", WeightLayout::n_by_k, s.d, s.n, rounds);
    bench_d_act(bench, s, rounds);
    bench_gradient(bench, s, "g d_wd", s.d, s.n, true, false, rounds);
    if (only != "gathered") bench_rows(bench, s, "d_x", WeightLayout::k_by_n, s.d, u, rounds);
    bench_gradient(bench, s, "g d_wu", s.d, u, true, true, rounds);
  }
  return 0;
}
