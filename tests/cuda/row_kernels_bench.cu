// Kernels bound by memory beside a device copy of as many bytes: interleaved, cold L2, medians.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "cuda/device/device.h"
#include "cuda/kernels/activation/activation.h"
#include "cuda/kernels/aggregate/combine_backward.h"
#include "cuda/kernels/aggregate/sum_token_rows.h"
#include "row_data.cuh"

namespace {

using namespace moe;
using tests::DeviceArray;
using Bf16 = __nv_bfloat16;

struct Shape {
  const char* name;
  int T, d, n, E, K;
};

constexpr Shape kShapes[] = {
    {"120b-n1024", 32768, 4096, 1024, 128, 8}, {"30b-n256", 32768, 4096, 256, 256, 16},
    {"7b-n256", 24576, 1536, 256, 128, 8},     {"1.4b-n256", 40960, 768, 256, 128, 8},
    {"7b-n512", 24576, 1536, 512, 64, 4},      {"30b-n512", 32768, 4096, 512, 128, 8},
    {"small", 4096, 1024, 4096, 8, 2},         {"k22", 16384, 4096, 256, 512, 22}};

/// Each token's experts are random and different.
tests::HostRouting natural_routing(const Shape& s) {
  std::vector<std::vector<int>> tokens_of(s.E);
  std::vector<int> experts(s.E);
  for (int e = 0; e < s.E; ++e) experts[e] = e;
  for (int t = 0; t < s.T; ++t) {
    for (int k = 0; k < s.K; ++k) {
      std::swap(experts[k], experts[k + random_below(t, RandomStream::tests, k, s.E - k)]);
      tokens_of[experts[k]].push_back(t);
    }
  }
  return tests::routing_of(tokens_of, s.T);
}

/// d_logits that are zero but for each token's experts.
void fill_router_part(const Shape& s, const tests::HostRouting& routing,
                      DeviceArray<Bf16>& w_router, DeviceArray<Bf16>& d_logits) {
  cuda::random_fill(TensorView(w_router.get(), DType::bf16, {std::int64_t{s.E} * s.d}), 77,
                    RandomStream::tests, 1.0f, nullptr);
  std::vector<Bf16> host(std::size_t(s.T) * s.E, Bf16(0.0f));
  for (int e = 0; e < s.E; ++e) {
    for (int r = routing.expert_offsets[e]; r < routing.expert_offsets[e + 1]; ++r)
      host[std::size_t(routing.row_tokens[r]) * s.E + e] = Bf16(0.5f);
  }
  MOE_CUDA_CHECK(
      cudaMemcpy(d_logits.get(), host.data(), host.size() * sizeof(Bf16), cudaMemcpyHostToDevice));
}

struct Row {
  const char* name;
  double bytes;  // moved at the least: every input read once, every output written once
  std::function<void()> work;
};

void print_times(Device& device, const char* shape, const std::vector<Row>& rows, int rounds) {
  std::vector<std::vector<double>> samples(rows.size());
  for (int round = -2; round < rounds; ++round) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double seconds = device.time(rows[i].work);
      if (round >= 0) samples[i].push_back(seconds);
    }
  }
  std::printf("%-10s", shape);
  double copy_rate = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::sort(samples[i].begin(), samples[i].end());
    const double median = samples[i][samples[i].size() / 2], rate = rows[i].bytes / median;
    if (i == 0) copy_rate = rate;
    std::printf(" | %s %.2fGB %.4fms %.2fTB/s %.3f", rows[i].name, rows[i].bytes / 1e9,
                1e3 * median, rate / 1e12, rate / copy_rate);
  }
  std::printf("\n");
  std::fflush(stdout);
}

void bench_shape(Device& device, const Shape& s, int rounds) {
  const auto routing = natural_routing(s);
  const std::int64_t T = s.T, R = routing.rows(), d = s.d, n = s.n, size = sizeof(Bf16);
  const auto stream = static_cast<cudaStream_t>(device.stream().native);
  DeviceArray<int> expert_offsets(routing.expert_offsets), row_tokens(routing.row_tokens);
  DeviceArray<int> token_offsets(routing.token_offsets), token_rows(routing.token_rows);
  const std::int64_t widest = R * std::max(d, 2 * n);
  DeviceArray<Bf16> in(widest), out(widest), tokens(T * d), d_a(R * n);
  DeviceArray<float> scores(R), d_scores(R);
  std::uint64_t seed = 0;
  for (TensorView each :
       {TensorView(in.get(), DType::bf16, {widest}), TensorView(out.get(), DType::bf16, {widest}),
        TensorView(tokens.get(), DType::bf16, {T * d}), TensorView(d_a.get(), DType::bf16, {R * n}),
        TensorView(scores.get(), DType::f32, {R})}) {
    cuda::random_fill(each, ++seed, RandomStream::tests, 1.0f, stream);
  }
  const cuda::ActivationRows shape = {expert_offsets.get(), s.E,        R, s.n,
                                      Activation::swiglu,   DType::bf16};
  cuda::SumTokenRowsProblem sum = {in.get(), scores.get(), token_offsets.get(), token_rows.get(),
                                   nullptr,  tokens.get(), DType::bf16,         T,
                                   s.d};
  cuda::SumTokenRowsProblem add = sum;
  add.add = tokens.get();
  DeviceArray<Bf16> w_router(s.E * d), d_logits(T * s.E);
  fill_router_part(s, routing, w_router, d_logits);
  cuda::SumTokenRowsProblem router = sum;
  router.router = {d_logits.get(), w_router.get(), s.E};
  const cuda::CombineBackwardProblem combine = {
      tokens.get(), in.get(),  row_tokens.get(), token_rows.get(),
      scores.get(), out.get(), d_scores.get(),   expert_offsets.get(),
      s.E,          R,         DType::bf16,      s.d};
  const double sum_bytes = static_cast<double>(size) * d * (R + T) + 12.0 * R;
  const std::size_t copied = static_cast<std::size_t>(sum_bytes / 2) / 16 * 16;
  print_times(device, s.name,
              {{"copy", 2.0 * static_cast<double>(copied),
                [&] {
                  MOE_CUDA_CHECK(cudaMemcpyAsync(out.get(), in.get(), copied,
                                                 cudaMemcpyDeviceToDevice, stream));
                }},
               {"sum", sum_bytes, [&] { cuda::sum_token_rows(sum, stream); }},
               {"sum+add", sum_bytes + static_cast<double>(size) * d * T,
                [&] { cuda::sum_token_rows(add, stream); }},
               {"sum+router", sum_bytes + static_cast<double>(size) * s.E * (d + T),
                [&] { cuda::sum_token_rows(router, stream); }},
               {"combine", static_cast<double>(size) * d * (2 * R + T) + 12.0 * R,
                [&] { cuda::combine_backward(combine, stream); }},
               {"act", static_cast<double>(size) * n * R * 3,
                [&] { cuda::activate(shape, in.get(), out.get(), stream); }},
               {"d_act", static_cast<double>(size) * n * R * 5,
                [&] { cuda::activate_backward(shape, in.get(), d_a.get(), out.get(), stream); }}},
              rounds);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 15;
  const std::size_t shapes = argc > 2 ? std::atoi(argv[2]) : std::size(kShapes);
  auto devices = cuda::make_cuda_devices();
  if (devices.empty()) return std::printf("%s\n", cuda::no_cuda_reason().c_str()), 3;
  Device& device = *devices.front();
  std::printf("%s: bytes, time, rate, part of the copy's rate\n", device.traits().name.c_str());
  for (std::size_t i = 0; i < std::min(shapes, std::size(kShapes)); ++i)
    bench_shape(device, kShapes[i], rounds);
  const std::int64_t count = 100'000'000;
  DeviceArray<Bf16> values(count);
  DeviceArray<float> wide(count);
  const auto stream = static_cast<cudaStream_t>(device.stream().native);
  const auto fill = [&](TensorView view) {
    cuda::random_fill(view, 1, RandomStream::x, 0.2f, stream);
  };
  print_times(device, "fill 100M",
              {{"bf16", 2.0 * count,
                [&] {
                  fill({values.get(), DType::bf16, {count}});
                }},
               {"f32", 4.0 * count,
                [&] {
                  fill({wide.get(), DType::f32, {count}});
                }}},
              rounds);
  return 0;
}
