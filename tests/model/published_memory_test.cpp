// The figure of activation memory in the SonicMoE paper, bar by bar.
#include "model/published/published_memory.h"

#include <gtest/gtest.h>

#include <cmath>

#include "config/presets.h"
#include "model/layer/layer_memory.h"
#include "plan/requests.h"

namespace moe::model {
namespace {

constexpr double kGiB = 0x1p30;

const ModelConfig& shape_of(const PublishedMemory& bar) {
  return *config::find_preset(std::string(bar.preset));
}

double predicted_gib(const PublishedMemory& bar) {
  const ModelConfig& shape = shape_of(bar);
  return static_cast<double>(
             published_formula(bar.implementation, shape.layer, shape.tokens()).total()) /
         kGiB;
}

TEST(PublishedMemory, IsReproducedWithinReadingErrorButForOneBar) {
  int missed = 0;
  for (const PublishedMemory& bar : published_memory()) {
    if (std::abs(predicted_gib(bar) - bar.gib) <= bar.reading_error_gib) continue;
    ++missed;
    EXPECT_EQ(bar.preset, "sonic-30b-n256") << bar.implementation;
    EXPECT_EQ(bar.implementation, "Megatron");
  }
  EXPECT_EQ(published_memory().size(), 48u);
  EXPECT_EQ(missed, 1);
}

// Without the weights the same bars would be missed by far: they are in the figure.
TEST(PublishedMemory, ContainsTheExpertWeights) {
  for (const PublishedMemory& bar : published_memory()) {
    const ModelConfig& shape = shape_of(bar);
    const PublishedParts parts = published_formula(bar.implementation, shape.layer, shape.tokens());
    const double without = static_cast<double>(parts.activations()) / kGiB;
    EXPECT_GT(bar.gib - without, 2 * bar.reading_error_gib) << bar.preset;
  }
}

// Our own plans hold what the formulas say, without weights and output.
TEST(PublishedMemory, ActivationsAreThoseOfOurPlans) {
  for (const PublishedMemory& bar : published_memory()) {
    const ModelConfig& shape = shape_of(bar);
    const Request request = plan::request_for(shape.layer, shape.tokens());
    const PublishedParts parts = published_formula(bar.implementation, shape.layer, shape.tokens());
    const bool is_sonic = bar.implementation == "SonicMoE";
    if (!is_sonic && bar.implementation != "Megatron") continue;
    const DeviceTraits traits = plan::devices()[0];
    const LayerSetup setup{.plan = is_sonic ? plan::sonic(request, traits)
                                            : plan::grouped_gemm(request, traits)};
    const std::int64_t own = composition(setup, Phase::backward).of(Part::saved);
    EXPECT_EQ(own, parts.activations() - (is_sonic ? parts.x / 2 : 0)) << bar.preset;
  }
}

}  // namespace
}  // namespace moe::model
