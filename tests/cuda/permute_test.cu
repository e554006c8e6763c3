// Rows on the device against rows on the CPU: all integers and scores equal; gathers exact.
#include "cuda/kernels/permute/gather_rows.h"
#include "device_routing.cuh"

namespace moe::tests {
namespace {

using routing::describe;
using routing::layer;
using routing::seeded;

struct PermutedRows {
  std::vector<std::int32_t> expert_offsets, row_tokens, token_offsets, token_rows;
  std::vector<float> row_scores;
};

PermutedRows rows_on_cpu(const LayerConfig& config, const routing::Choice& choice) {
  const std::int64_t tokens = std::ssize(choice.norms);
  const routing::RowArrays rows = routing::rows_of(config, choice);
  PermutedRows result{rows.offsets, rows.tokens, std::vector<std::int32_t>(tokens + 1),
                      std::vector<std::int32_t>(rows.tokens.size()), rows.scores};
  routing::build_token_rows(rows.offsets.data(), rows.tokens.data(), config.num_experts, tokens,
                            result.token_offsets.data(), result.token_rows.data());
  return result;
}

PermutedRows rows_on_device(const LayerConfig& config, const routing::Choice& choice) {
  const std::int64_t tokens = std::ssize(choice.norms), num_rows = std::ssize(choice.experts);
  const std::vector<std::uint32_t> masks = chunk_masks_of(choice.experts, tokens, config);
  DeviceArray<std::byte> scratch(cuda::permute_scratch_bytes(tokens, config.num_experts));
  const DeviceArray<std::int32_t> experts(choice.experts);
  const DeviceArray<float> scores(choice.scores);
  DeviceArray<std::int32_t> expert_offsets(config.num_experts + 1), row_tokens(num_rows),
      token_offsets(tokens + 1), token_rows(num_rows);
  DeviceArray<float> row_scores(num_rows);
  MOE_CUDA_CHECK(cudaMemset(scratch.get(), 0xff, scratch.size()));
  MOE_CUDA_CHECK(cudaMemcpy(scratch.get(), masks.data(), masks.size() * 4, cudaMemcpyHostToDevice));
  cuda::build_rows({scratch.get(), experts.get(), scores.get(), expert_offsets.get(),
                    row_tokens.get(), row_scores.get(), token_offsets.get(), token_rows.get(),
                    tokens, static_cast<int>(config.num_experts), static_cast<int>(config.top_k)},
                   nullptr);
  MOE_CUDA_CHECK(cudaDeviceSynchronize());
  return {expert_offsets.to_host(), row_tokens.to_host(), token_offsets.to_host(),
          token_rows.to_host(), row_scores.to_host()};
}

void expect_equal(const PermutedRows& actual, const PermutedRows& expected) {
  expect_same(actual.expert_offsets, expected.expert_offsets, "expert_offsets");
  expect_same(actual.row_tokens, expected.row_tokens, "row_tokens");
  expect_same(actual.row_scores, expected.row_scores, "row_scores");
  expect_same(actual.token_offsets, expected.token_offsets, "token_offsets");
  expect_same(actual.token_rows, expected.token_rows, "token_rows");
}

class BuildRowsTest : public DeviceRoutingTest {
 protected:
  static void expect_cpu_rows(const LayerConfig& config, const std::vector<float>& logits) {
    SCOPED_TRACE(describe(config, std::ssize(logits) / config.num_experts));
    const routing::Choice choice = routing::choose(config, logits);
    expect_equal(rows_on_device(config, choice), rows_on_cpu(config, choice));
  }
};

TEST_F(BuildRowsTest, EqualsTheCpuForEveryShape) {
  std::uint64_t seed = 1;
  for (const auto [tokens, num_experts, top_k] : routing_shapes()) {
    for (int round = 0; round < 5; ++round) {
      expect_cpu_rows(layer(num_experts, top_k), seeded(tokens * num_experts, seed++));
    }
    expect_cpu_rows(layer(num_experts, top_k), std::vector<float>(tokens * num_experts, 1.0f));
    if (HasFatalFailure()) return;
  }
}

TEST_F(BuildRowsTest, EqualsTheCpuForEveryTopK) {
  for (std::int64_t top_k = 1; top_k <= 32; ++top_k) {
    expect_cpu_rows(layer(72, top_k), seeded((60 + 13 * top_k) * 72, 100 + top_k));
  }
}

TEST_F(BuildRowsTest, EqualsTheCpuForManyChunks) {
  expect_cpu_rows(layer(12, 2), seeded(70001 * 12, 2));
  expect_cpu_rows(layer(128, 8), seeded(32768 * 128, 3));
}

TEST_F(BuildRowsTest, TakesNoTokens) {
  expect_cpu_rows(layer(40, 3), {});
}

class GatherRowsTest : public DeviceRoutingTest {};

TEST_F(GatherRowsTest, CopiesEveryRowAndNothingElse) {
  for (RoundingRule rule : {RoundingRule::none, RoundingRule::up, RoundingRule::down}) {
    for (int dim : {8, 264, 768, 1536, 4104}) {
      LayerConfig config = layer(40, 3);
      config.rounding = {rule, 16};
      const std::int64_t tokens = 211;
      const auto logits = seeded(tokens * config.num_experts, 5);
      const routing::Choice choice = routing::choose(config, logits);
      routing::RowArrays rows(config.num_experts, max_routed_rows(config, tokens));
      std::vector<std::byte> scratch(routing::rounding_scratch_bytes(tokens, 1));
      routing::build_rounded_rows(config, logits.data(), choice.experts.data(),
                                  choice.scores.data(), choice.norms.data(), tokens, scratch.data(),
                                  scratch.size(), rows.view());
      rows.trim();
      std::vector<std::int32_t> token_offsets(tokens + 1), token_rows(rows.tokens.size());
      routing::build_token_rows(rows.offsets.data(), rows.tokens.data(), config.num_experts, tokens,
                                token_offsets.data(), token_rows.data());
      const std::int64_t num_rows = std::ssize(token_rows), spare_rows = 3;

      DeviceArray<__nv_bfloat16> source(tokens * dim), gathered((num_rows + spare_rows) * dim);
      fill_random(source, 6);
      MOE_CUDA_CHECK(cudaMemset(gathered.get(), 0xff, gathered.size() * 2));
      const DeviceArray<std::int32_t> offsets(token_offsets), inverse(token_rows);
      cuda::gather_rows({source.get(), gathered.get(), offsets.get(), inverse.get(), tokens, dim},
                        nullptr);
      MOE_CUDA_CHECK(cudaDeviceSynchronize());
      const auto from = source.to_host(), to = gathered.to_host();
      for (std::int64_t r = 0; r < num_rows; ++r) {
        ASSERT_EQ(std::memcmp(&to[r * dim], &from[rows.tokens[r] * std::int64_t{dim}], 2 * dim), 0)
            << "row " << r << ", d " << dim << ", " << name_of(rule);
      }
      for (std::int64_t i = num_rows * dim; i < std::ssize(to); ++i) {
        std::uint16_t bits;
        std::memcpy(&bits, &to[i], 2);
        ASSERT_EQ(bits, 0xffff) << "written behind the last row";
      }
    }
  }
}

TEST_F(GatherRowsTest, AddressesMoreThanTwoToThe31Elements) {
  if (kIsEmulated) GTEST_SKIP() << "too large for an emulated device";
  const std::int64_t tokens = 70000, top_k = 8;
  const int dim = 4096;  // 2.29e9 elements
  std::vector<std::int32_t> token_offsets, token_rows;
  for (std::int64_t t = 0; t <= tokens; ++t) {
    token_offsets.push_back(static_cast<std::int32_t>(t * top_k));
  }
  for (std::int64_t i = 0; i < tokens * top_k; ++i) {
    token_rows.push_back(static_cast<std::int32_t>(i % top_k * tokens + i / top_k));
  }
  DeviceArray<__nv_bfloat16> source(tokens * dim), gathered(tokens * top_k * dim);
  fill_random(source, 7);
  const DeviceArray<std::int32_t> offsets(token_offsets), inverse(token_rows);
  cuda::gather_rows({source.get(), gathered.get(), offsets.get(), inverse.get(), tokens, dim},
                    nullptr);
  std::vector<char> from(2 * dim), to(2 * dim);
  for (std::int64_t token : {std::int64_t{0}, tokens / 2, tokens - 1}) {
    const std::int64_t row = (top_k - 1) * tokens + token;
    MOE_CUDA_CHECK(
        cudaMemcpy(from.data(), source.get() + token * dim, 2 * dim, cudaMemcpyDeviceToHost));
    MOE_CUDA_CHECK(
        cudaMemcpy(to.data(), gathered.get() + row * dim, 2 * dim, cudaMemcpyDeviceToHost));
    EXPECT_EQ(from, to) << "token " << token;
  }
}

/// As a layer runs it: one scratch, one stream, one graph.
TEST_F(BuildRowsTest, FollowsTheRouterInAGraphAndRepeatsItsBits) {
  const LayerConfig config = layer(512, 10);
  const std::int64_t tokens = 1234, num_rows = tokens * config.top_k;
  const auto logits = seeded(tokens * config.num_experts, 9);
  const DeviceArray<float> device_logits(logits);
  DeviceArray<std::byte> scratch(cuda::permute_scratch_bytes(tokens, config.num_experts));
  DeviceArray<std::int32_t> experts(num_rows), expert_offsets(config.num_experts + 1),
      row_tokens(num_rows), token_offsets(tokens + 1), token_rows(num_rows);
  DeviceArray<float> scores(num_rows), row_scores(num_rows);

  cudaStream_t stream;
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  MOE_CUDA_CHECK(cudaStreamCreate(&stream));
  MOE_CUDA_CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  cuda::choose(config,
               {device_logits.get(), nullptr, nullptr, experts.get(), scores.get(), nullptr,
                reinterpret_cast<std::uint32_t*>(scratch.get()), tokens},
               stream);
  cuda::build_rows(
      {scratch.get(), experts.get(), scores.get(), expert_offsets.get(), row_tokens.get(),
       row_scores.get(), token_offsets.get(), token_rows.get(), tokens, 512, 10},
      stream);
  MOE_CUDA_CHECK(cudaStreamEndCapture(stream, &graph));
  MOE_CUDA_CHECK(cudaGraphInstantiate(&executable, graph, 0));

  const PermutedRows expected = rows_on_cpu(config, routing::choose(config, logits));
  for (int run = 0; run < 2; ++run) {
    for (auto* array : {&expert_offsets, &row_tokens, &token_offsets, &token_rows}) {
      MOE_CUDA_CHECK(cudaMemset(array->get(), 0xff, array->size() * 4));
    }
    MOE_CUDA_CHECK(cudaGraphLaunch(executable, stream));
    MOE_CUDA_CHECK(cudaStreamSynchronize(stream));
    expect_equal({expert_offsets.to_host(), row_tokens.to_host(), token_offsets.to_host(),
                  token_rows.to_host(), row_scores.to_host()},
                 expected);
  }
  MOE_CUDA_CHECK(cudaGraphExecDestroy(executable));
  MOE_CUDA_CHECK(cudaGraphDestroy(graph));
  MOE_CUDA_CHECK(cudaStreamDestroy(stream));
}

}  // namespace
}  // namespace moe::tests
