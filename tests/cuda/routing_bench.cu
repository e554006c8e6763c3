// Router and permutation kernels: microseconds per launch inside a CUDA graph, and the gather
// beside a device copy. For the author of a kernel, not for users.
#include <algorithm>
#include <cstdio>
#include <functional>

#include "cuda/kernels/permute/build_rows.h"
#include "cuda/kernels/permute/gather_rows.h"
#include "cuda/kernels/round/round.h"
#include "cuda/kernels/router/choose.h"
#include "cuda/kernels/router/gate_backward.h"
#include "device_data.cuh"
#include "moe/dtype.h"

namespace {

using namespace moe;
using tests::DeviceArray;
using Bf16 = __nv_bfloat16;
using Work = std::function<void(cudaStream_t)>;

/// Median time of what `run` puts on the stream.
double median_us(cudaStream_t stream, const std::function<void()>& run) {
  cudaEvent_t start, stop;
  MOE_CUDA_CHECK(cudaEventCreate(&start));
  MOE_CUDA_CHECK(cudaEventCreate(&stop));
  std::vector<float> samples;
  for (int round = -2; round < 7; ++round) {
    float ms = 0;
    MOE_CUDA_CHECK(cudaEventRecord(start, stream));
    run();
    MOE_CUDA_CHECK(cudaEventRecord(stop, stream));
    MOE_CUDA_CHECK(cudaEventSynchronize(stop));
    MOE_CUDA_CHECK(cudaEventElapsedTime(&ms, start, stop));
    if (round >= 0) samples.push_back(ms);
  }
  MOE_CUDA_CHECK(cudaEventDestroy(start));
  MOE_CUDA_CHECK(cudaEventDestroy(stop));
  std::sort(samples.begin(), samples.end());
  return 1e3 * samples[samples.size() / 2];
}

/// Time of one `work` when a graph of 20 is replayed.
double graph_us(const Work& work) {
  constexpr int kRepeats = 20;
  cudaStream_t stream;
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  MOE_CUDA_CHECK(cudaStreamCreate(&stream));
  MOE_CUDA_CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  for (int i = 0; i < kRepeats; ++i) work(stream);
  MOE_CUDA_CHECK(cudaStreamEndCapture(stream, &graph));
  MOE_CUDA_CHECK(cudaGraphInstantiate(&executable, graph, 0));
  const double us = median_us(stream, [&] { MOE_CUDA_CHECK(cudaGraphLaunch(executable, stream)); });
  MOE_CUDA_CHECK(cudaGraphExecDestroy(executable));
  MOE_CUDA_CHECK(cudaGraphDestroy(graph));
  MOE_CUDA_CHECK(cudaStreamDestroy(stream));
  return us / kRepeats;
}

template <int>
__global__ void fill_logits(float* logits, std::int64_t count, std::uint64_t seed) {
  const std::int64_t i = blockIdx.x * static_cast<std::int64_t>(blockDim.x) + threadIdx.x;
  if (i < count) logits[i] = random_normal(seed, RandomStream::tests, i);
}

/// All arrays of one router.
struct Routed {
  LayerConfig config;
  std::int64_t tokens, num_rows;
  DeviceArray<float> logits, chosen_scores, norms, row_scores, d_scores, d_logits;
  DeviceArray<bfloat16> d_logits_bf16;
  DeviceArray<std::int32_t> chosen_experts, expert_offsets, row_tokens, token_offsets, token_rows;
  DeviceArray<std::byte> scratch, round_scratch;

  Routed(const LayerConfig& layer, std::int64_t num_tokens)
      : config(layer),
        tokens(num_tokens),
        num_rows(max_routed_rows(layer, num_tokens)),
        logits(tokens * layer.num_experts),
        chosen_scores(tokens * layer.top_k),
        norms(2 * tokens),
        row_scores(num_rows),
        d_scores(num_rows),
        d_logits(logits.size()),
        d_logits_bf16(logits.size()),
        chosen_experts(tokens * layer.top_k),
        expert_offsets(layer.num_experts + 1),
        row_tokens(num_rows),
        token_offsets(tokens + 1),
        token_rows(num_rows),
        scratch(cuda::permute_scratch_bytes(tokens, layer.num_experts)),
        round_scratch(cuda::round_scratch_bytes(tokens, layer.num_experts)) {
    fill(logits, 1);
    fill(d_scores, 2);
  }

  static void fill(const DeviceArray<float>& array, std::uint64_t seed) {
    const auto count = static_cast<std::int64_t>(array.size());
    fill_logits<0><<<static_cast<unsigned>((count + 255) / 256), 256>>>(array.get(), count, seed);
    MOE_CUDA_CHECK(cudaDeviceSynchronize());
  }

  void choose(cudaStream_t stream) {
    const bool may_add = may_add_pairs(config.rounding.rule);
    cuda::choose(config,
                 {logits.get(), nullptr, nullptr, chosen_experts.get(), chosen_scores.get(),
                  norms.get(), reinterpret_cast<std::uint32_t*>(scratch.get()), tokens,
                  may_add ? reinterpret_cast<float*>(round_scratch.get()) : nullptr},
                 stream);
  }
  void build_rows(cudaStream_t stream) {
    cuda::build_rows(
        {scratch.get(), chosen_experts.get(), chosen_scores.get(), expert_offsets.get(),
         row_tokens.get(), row_scores.get(), token_offsets.get(), token_rows.get(), tokens,
         static_cast<int>(config.num_experts), static_cast<int>(config.top_k)},
        stream);
  }
  cuda::PairScores pair_scores() const {
    return {logits.get(), reinterpret_cast<const cuda::PairNorm*>(norms.get()),
            static_cast<int>(config.num_experts), config.gate.scale,
            config.gate.kind == GateKind::sigmoid};
  }
  void round(cudaStream_t stream) {
    cuda::round_masks(
        {pair_scores(), config.rounding, 1, scratch.get(), round_scratch.get(), tokens}, stream);
  }
  void build_ragged_rows(cudaStream_t stream) {
    cuda::build_ragged_rows({pair_scores(), scratch.get(), expert_offsets.get(), row_tokens.get(),
                             row_scores.get(), token_offsets.get(), token_rows.get(), tokens},
                            stream);
  }
  template <class Element>
  void gate_backward(const DeviceArray<Element>& out, cudaStream_t stream) {
    cuda::gate_backward(
        config,
        {logits.get(), chosen_experts.get(), chosen_scores.get(), norms.get(), expert_offsets.get(),
         token_offsets.get(), token_rows.get(), row_scores.get(), d_scores.get(), tokens},
        out.get(), stream);
  }
};

LayerConfig layer(std::int64_t num_experts, std::int64_t top_k, Gate gate = {}) {
  LayerConfig config;
  config.num_experts = num_experts;
  config.top_k = top_k;
  config.gate = gate;
  return config;
}

void bench_router(const char* name, const LayerConfig& config, std::int64_t tokens) {
  Routed r(config, tokens);
  const double choose = graph_us([&](cudaStream_t s) { r.choose(s); });
  const double rows = graph_us([&](cudaStream_t s) { r.build_rows(s); });
  const double both = graph_us([&](cudaStream_t s) {
    r.choose(s);
    r.build_rows(s);
  });
  const double f32 = graph_us([&](cudaStream_t s) { r.gate_backward(r.d_logits, s); });
  const double bf16 = graph_us([&](cudaStream_t s) { r.gate_backward(r.d_logits_bf16, s); });
  std::printf("%-24s T=%-6ld E=%-4ld K=%-3ld %8.2f %8.2f %8.2f %8.2f %8.2f\n", name, long(tokens),
              long(config.num_experts), long(config.top_k), choose, rows, both, f32, bf16);
}

/// Rounded masks are rounded already, so that rounding is timed behind the choice.
void bench_rounding(std::int64_t num_experts, std::int64_t top_k, std::int64_t tokens) {
  using enum RoundingRule;
  for (RoundingRule rule : {nearest, up, down, stochastic, stochastic_score, balance}) {
    for (std::int64_t tile : {64, 128, 256}) {
      LayerConfig config = layer(num_experts, top_k);
      config.rounding = {rule, tile};
      Routed r(config, tokens);
      const double choose = graph_us([&](cudaStream_t s) { r.choose(s); });
      const double rounded = graph_us([&](cudaStream_t s) {
        r.choose(s);
        r.round(s);
      });
      const double rows = graph_us([&](cudaStream_t s) { r.build_ragged_rows(s); });
      const double all = graph_us([&](cudaStream_t s) {
        r.choose(s);
        r.round(s);
        r.build_ragged_rows(s);
      });
      std::printf("%-16s tile %-3ld T=%-6ld E=%-4ld K=%-3ld %8.2f %8.2f %8.2f %8.2f\n",
                  std::string(name_of(rule)).c_str(), long(tile), long(tokens), long(num_experts),
                  long(top_k), choose, rounded - choose, rows, all);
    }
  }
}

void bench_gather(std::int64_t tokens, std::int64_t num_experts, std::int64_t top_k, int dim) {
  Routed r(layer(num_experts, top_k), tokens);
  r.choose(nullptr);
  r.build_rows(nullptr);
  DeviceArray<Bf16> source(tokens * dim), rows(r.num_rows * dim), copy(r.num_rows * dim);
  tests::fill_random(source, 1);
  tests::fill_random(copy, 2);
  MOE_CUDA_CHECK(cudaDeviceSynchronize());
  const double row_bytes = 2.0 * r.num_rows * dim, token_bytes = 2.0 * tokens * dim;
  const double gather = median_us(nullptr, [&] {
    cuda::gather_rows(
        {source.get(), rows.get(), r.token_offsets.get(), r.token_rows.get(), tokens, dim},
        nullptr);
  });
  const double copied = median_us(nullptr, [&] {
    MOE_CUDA_CHECK(cudaMemcpyAsync(rows.get(), copy.get(), static_cast<std::size_t>(row_bytes),
                                   cudaMemcpyDeviceToDevice, nullptr));
  });
  const double rate = (row_bytes + token_bytes) / gather, copy_rate = 2 * row_bytes / copied;
  std::printf(
      "T=%-6ld K=%-2ld d=%-5d %6.2f GB %9.1f us | copy %9.1f us %5.2f TB/s | %4.2f of the "
      "time of a copy, %3.0f %% of its rate\n",
      long(tokens), long(top_k), dim, row_bytes / 1e9, gather, copied, copy_rate / 1e6,
      gather / copied, 100 * rate / copy_rate);
}

}  // namespace

int main() {
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, 0) != cudaSuccess) return std::printf("no GPU\n"), 3;
  std::printf("%s; us per launch in a graph, tensors as the launch before left them\n",
              properties.name);
  std::printf("%-50s %8s %8s %8s %8s %8s\n", "", "choose", "rows", "both", "d f32", "d bf16");
  using enum GateKind;
  bench_router("topk_softmax", layer(128, 8), 32768);
  bench_router("softmax_topk", layer(128, 8, {softmax_topk, false}), 32768);
  bench_router("sigmoid", layer(128, 8, {sigmoid, true}), 32768);
  bench_router("topk_softmax", layer(512, 10), 16384);
  bench_router("softmax_topk", layer(512, 10, {softmax_topk, false}), 16384);
  bench_router("sigmoid, 4 of 8 groups", layer(256, 8, {sigmoid, true, false, 8, 4, 2.5f}), 65536);
  bench_router("topk_softmax", layer(8, 2), 4096);
  bench_router("topk_softmax", layer(128, 8), 128);
  std::printf("rounding\n%-50s %8s %8s %8s %8s\n", "", "choose", "round", "rows", "all");
  bench_rounding(64, 8, 16384);
  bench_rounding(128, 8, 16384);
  bench_rounding(256, 4, 16384);
  bench_rounding(512, 8, 16384);
  std::printf("gather, beside a copy of the rows; its rate counts tokens once and rows once\n");
  bench_gather(32768, 128, 8, 4096);
  bench_gather(24576, 128, 8, 1536);
  bench_gather(40960, 128, 8, 768);
  bench_gather(32768, 8, 2, 4096);
  bench_gather(4096, 128, 8, 1024);
  bench_gather(128, 128, 8, 7168);
  return 0;
}
