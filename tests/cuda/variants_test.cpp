// What each CUDA variant says of GPUs that are not here: which it runs on, and the memory it plans.
#include "cuda/variants/variants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "measure/problem/memory_need.h"
#include "measure/problem/variant_choice.h"
#include "moe/registry.h"

namespace moe::cuda {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

DeviceTraits gpu_of(int compute_capability) {
  return {.kind = DeviceKind::cuda,
          .num_cores = 100,
          .alignment = 1024,
          .gemm_scratch_bytes = 32 << 20,
          .has_bf16 = compute_capability >= 80,
          .compute_capability = compute_capability};
}

LayerConfig layer_with_shared_expert() {
  LayerConfig config{.hidden_dim = 64, .ffn_dim = 32, .num_experts = 8, .top_k = 2};
  config.dtype = DType::bf16;
  config.shared = {.ffn_dim = 24, .gated = true};
  return config;
}

/// Empty = it runs.
std::string reason(const char* variant, const LayerConfig& config, int compute_capability) {
  return find_variant(DeviceKind::cuda, variant)
      ->unsupported(measure::make_request(config, 100, true), gpu_of(compute_capability))
      .value_or("");
}

TEST(CudaVariants, VanillaRunsWhereBfloat16IsAndSaysSoElsewhere) {
  const LayerConfig config = layer_with_shared_expert();
  for (const int capability : {80, 86, 89, 90, 100, 120})
    EXPECT_EQ(reason("vanilla", config, capability), "") << capability;
  EXPECT_EQ(reason("vanilla", config, 75),
            "needs bfloat16 arithmetic, compute capability 8.0 or newer; this GPU has 7.5");
}

TEST(CudaVariants, OthersNeedHopperAndNameWhatTheGpuHas) {
  const LayerConfig config = layer_with_shared_expert();
  for (const char* variant : {"grouped_gemm", "sonic"}) {
    EXPECT_EQ(reason(variant, config, 90), "");
    for (const auto& [capability, text] : {std::pair{75, "7.5"},
                                           {80, "8.0"},
                                           {86, "8.6"},
                                           {89, "8.9"},
                                           {100, "10.0"},
                                           {120, "12.0"}}) {
      EXPECT_EQ(reason(variant, config, capability),
                std::string("needs a Hopper GPU (compute capability 9.0); this one has ") + text);
    }
  }
}

/// Only for wide experts; X only where gate and up rows do not take turns.
TEST(CudaVariants, SonicPlansToGatherAgainForWideExperts) {
  LayerConfig config{.hidden_dim = 64, .ffn_dim = 4096, .num_experts = 8, .top_k = 2};
  config.dtype = DType::bf16;
  const auto gathers = [&config](UpLayout layout, std::int64_t ffn_dim) {
    config.up_layout = layout;
    config.ffn_dim = ffn_dim;
    const Plan plan = find_variant(DeviceKind::cuda, "sonic")
                          ->plan(measure::make_request(config, 100, true), gpu_of(90));
    std::string names;
    for (const Step& step : plan.backward)
      if (step.name.starts_with("d_gather")) names += step.name + " ";
    return names;
  };
  EXPECT_EQ(gathers(UpLayout::concatenated, 4096), "d_gather_out d_gather_x ");
  EXPECT_EQ(gathers(UpLayout::concatenated, 4088), "d_gather_x ");
  EXPECT_EQ(gathers(UpLayout::concatenated, 1536), "d_gather_x ");
  EXPECT_EQ(gathers(UpLayout::concatenated, 1528), "");
  EXPECT_EQ(gathers(UpLayout::interleaved, 4096), "d_gather_out ");
  EXPECT_EQ(gathers(UpLayout::interleaved, 4088), "");
}

TEST(CudaVariants, LimitsOfLayersAreThoseOfTheKernelsOnEveryGpu) {
  for (const char* variant : {"vanilla", "grouped_gemm", "sonic"}) {
    LayerConfig config = layer_with_shared_expert();
    config.dtype = DType::f32;
    EXPECT_THAT(reason(variant, config, 90), HasSubstr("use --dtype bf16"));
    config = layer_with_shared_expert();
    config.ffn_dim = 36;
    EXPECT_THAT(reason(variant, config, 90), HasSubstr("multiples of 8"));
    config = layer_with_shared_expert();
    config.shared.ffn_dim = 20;
    EXPECT_THAT(reason(variant, config, 90), HasSubstr("shared expert's width"));
    config = layer_with_shared_expert();
    config.num_experts = 2048;
    EXPECT_THAT(reason(variant, config, 90), HasSubstr("at most 1024 experts"));
  }
}

TEST(CudaVariants, RunInFloat16WhereTheyRunInBfloat16) {
  LayerConfig config = layer_with_shared_expert();
  config.dtype = DType::f16;
  for (const char* variant : {"vanilla", "grouped_gemm", "sonic"}) {
    EXPECT_EQ(reason(variant, config, 90), "") << variant;
    EXPECT_EQ(reason(variant, config, 80) == "", std::string(variant) == "vanilla") << variant;
  }
}

/// The same memory: two bytes per element, and the same tiles streamed.
TEST(CudaVariants, PlanTheSameMemoryInFloat16) {
  for (const char* variant : {"vanilla", "grouped_gemm", "sonic"}) {
    LayerConfig config{.hidden_dim = 1024, .ffn_dim = 4096, .num_experts = 8, .top_k = 2};
    const auto plan_in = [&](DType dtype) {
      config.dtype = dtype;
      return find_variant(DeviceKind::cuda, variant)
          ->plan(measure::make_request(config, 4096, true), gpu_of(90));
    };
    const Plan half = plan_in(DType::f16), brain = plan_in(DType::bf16);
    EXPECT_EQ(half.saved_bytes, brain.saved_bytes) << variant;
    EXPECT_EQ(half.workspace_bytes, brain.workspace_bytes) << variant;
  }
}

TEST(CudaVariants, RoundedVanillaIsARowWhereItIsTheOnlyVariant) {
  const LayerConfig config = layer_with_shared_expert();
  EXPECT_EQ(measure::default_labels(config, gpu_of(90)), measure::default_labels(DeviceKind::cuda));
  for (const int capability : {80, 120}) {
    EXPECT_THAT(measure::default_labels(config, gpu_of(capability)),
                ElementsAre("vanilla", "vanilla+rounding", "grouped_gemm", "grouped_gemm+rounding",
                            "sonic", "sonic+rounding", "dense_bound"));
  }
  EXPECT_EQ(measure::default_labels(config, gpu_of(75)),  // nothing runs
            measure::default_labels(DeviceKind::cuda));
}

std::set<std::string> buffers_of(const char* variant, const Request& request) {
  std::set<std::string> names;
  for (const Buffer& buffer :
       find_variant(DeviceKind::cuda, variant)->plan(request, gpu_of(90)).buffers)
    names.insert(buffer.name);
  return names;
}

std::set<std::string> buffers_of(const char* variant, bool keep_saved) {
  Request request = measure::make_request(layer_with_shared_expert(), 100, true);
  request.keep_saved = keep_saved;
  return buffers_of(variant, request);
}

TEST(CudaVariants, VanillaPlansNoScratchOfHopperKernels) {
  for (const char* name :
       {"gemm_turns", "shared_offsets", "shared_tokens", "shared_scores", "shared_score_parts"}) {
    EXPECT_FALSE(buffers_of("vanilla", false).contains(name)) << name;
    EXPECT_TRUE(buffers_of("sonic", false).contains(name)) << name;
  }
  EXPECT_FALSE(buffers_of("vanilla", false).contains("shared_d_h"));
  EXPECT_TRUE(buffers_of("vanilla", true).contains("shared_d_h"));
}

/// Tiles are few where tokens or columns are, and a reduction is long where experts are wide: dX
/// sums over gate and up, in training alone; grouped_gemm's up-projection over the model's width.
TEST(CudaVariants, ScratchOfStreamedTilesIsPlannedWhereAProductSelectsThem) {
  const auto streams = [](const char* variant, std::int64_t d, std::int64_t n, std::int64_t tokens,
                          bool training, std::int64_t shared = 0) {
    LayerConfig config{.hidden_dim = d, .ffn_dim = n, .num_experts = 8, .top_k = 2};
    config.dtype = DType::bf16;
    config.shared.ffn_dim = shared;
    return buffers_of(variant, measure::make_request(config, tokens, training))
        .contains("stream_scratch");
  };
  for (const char* variant : {"grouped_gemm", "sonic"}) {
    EXPECT_TRUE(streams(variant, 1024, 4096, 4096, false)) << variant;
    EXPECT_FALSE(streams(variant, 1024, 4096, 65536, true)) << variant << ": many tiles";
    EXPECT_TRUE(streams(variant, 1024, 1024, 4096, true)) << variant;
    EXPECT_FALSE(streams(variant, 512, 768, 4096, false)) << variant << ": short reductions";
    EXPECT_TRUE(streams(variant, 1024, 512, 4096, false, 2048)) << variant << ": the shared one";
  }
  EXPECT_TRUE(streams("grouped_gemm", 4096, 512, 16, false));
  EXPECT_FALSE(streams("sonic", 4096, 512, 16, false));
  EXPECT_FALSE(streams("vanilla", 1024, 4096, 4096, true));
}

TEST(CudaVariants, SharedExpertOfFewTokensIsDenseInInference) {
  const auto routes = [](std::int64_t tokens, bool training) {
    LayerConfig config{.hidden_dim = 512, .ffn_dim = 256, .num_experts = 8, .top_k = 2};
    config.dtype = DType::bf16;
    config.shared.ffn_dim = 256;
    return buffers_of("sonic", measure::make_request(config, tokens, training))
        .contains("shared_offsets");
  };
  EXPECT_FALSE(routes(1, false));
  EXPECT_TRUE(routes(1, true));
  EXPECT_TRUE(routes(4096, false));
}

/// Tiles are chosen for the rows that a routing has, not for those that rounding may add.
TEST(CudaVariants, RoundingDoesNotChangeTheChoiceOfTiles) {
  LayerConfig config{.hidden_dim = 1024, .ffn_dim = 4096, .num_experts = 256, .top_k = 2};
  config.dtype = DType::bf16;
  config.rounding = {RoundingRule::nearest, 128};
  const Request request = measure::make_request(config, 4096, false);
  EXPECT_GT(request.max_rows, 4 * 4096 * config.top_k);
  EXPECT_TRUE(buffers_of("sonic", request).contains("stream_scratch"));
}

}  // namespace
}  // namespace moe::cuda
