// What the CUDA variants leave, bit for bit: the same from equal inputs and from a graph, twice as
// much where gradients are added, and saved tensors as forward left them.
#include "cuda_layers.h"

namespace moe::cuda_layers {
namespace {

class CudaLayerBitsTest : public CudaLayerTest {};

TEST_P(CudaLayerBitsTest, EqualInputsGiveEqualBits) {
  for (const char* variant : all_variants()) {
    Bench bench(variant, with_everything(GetParam()));
    const auto bits = [&] {
      const measure::HostResult r = bench.trial.run_for_check();
      const auto experts = all_experts(r, GetParam().config);
      std::vector<std::byte> all;
      for (const TensorView& view : {r.out, r.d_x, r.gradients.w_up, r.gradients.w_down,
                                     r.gradients.w_router, r.gradients.b_up, r.gradients.b_down,
                                     r.gradients.b_router, r.gradients.w_shared_gate}) {
        all.insert(all.end(), view.as<std::byte>(), view.as<std::byte>() + view.bytes());
      }
      return all;
    };
    EXPECT_EQ(bits(), bits()) << variant;
  }
}

TEST_P(CudaLayerBitsTest, RoundedRoutingRepeatsItsBitsInAGraph) {
  if (hopper_variants().empty()) GTEST_SKIP() << tests::no_hopper_reason();
  for (const Rounding& rounding : roundings_for(GetParam())) {
    Case test = GetParam();
    test.config.rounding = rounding;
    SCOPED_TRACE(name_of(rounding.rule));
    for (const char* variant : hopper_variants()) {
      Bench bench(variant, test);
      bench.trial.run_for_check();
      EXPECT_EQ(bench.trial.capture_graphs(), "") << variant;  // compares the replay's bits
      EXPECT_GT(bench.trial.run({})[0].graph_backward, 0) << variant;
    }
  }
}

TEST_P(CudaLayerBitsTest, AReplayedGraphGivesTheSameBits) {
  for (const char* variant : all_variants()) {
    Bench bench(variant, with_everything(GetParam()));
    bench.trial.run_for_check();
    const std::string reason = bench.trial.capture_graphs();
    EXPECT_EQ(reason.empty(), bench.plan.capturable) << variant << ": " << reason;
    EXPECT_EQ(bench.trial.run({})[0].graph_backward > 0, bench.plan.capturable) << variant;
  }
}

/// Added to itself, every gradient is doubled to the bit. Element: that of the layer.
template <class Element>
void expect_gradients_added(const Case& test) {
  for (const char* variant : all_variants()) {
    Bench bench(variant, test);
    tests::amplify(*first_gpu(), bench.problem, test.config);
    const measure::HostResult once = bench.trial.run_for_check();
    const auto experts = all_experts(once, test.config);
    const auto wanted = [](const Gradients& g) {
      return std::vector<TensorView>{g.w_up, g.b_up, g.b_down, g.b_router, g.w_shared_gate};
    };
    std::vector<std::vector<Element>> before;
    for (const TensorView& view : wanted(once.gradients))
      before.emplace_back(view.as<Element>(), view.as<Element>() + view.size());
    const auto layer = bench.choice.variant->make_layer(bench.plan, first_gpu()->id());
    const Call call = bench.workbench.call(*first_gpu(), bench.plan);
    const Inputs inputs{bench.problem.x(), bench.problem.logit_offsets(), nullptr};
    InputGradients gradients = bench.workbench.gradients(false);
    gradients.accumulate = Accumulate::add;
    layer->forward(call, bench.problem.weights(), inputs, bench.workbench.outputs(false));
    layer->backward(call, bench.problem.weights(), inputs, bench.problem.d_out(), gradients);
    first_gpu()->synchronize();
    const std::vector<TensorView> on_device = wanted(gradients.weights);
    for (std::size_t which = 0; which < before.size(); ++which) {
      std::vector<Element> after(before[which].size());
      first_gpu()->copy_to_host(after.data(), on_device[which].data,
                                after.size() * sizeof(Element));
      for (std::size_t i = 0; i < after.size(); ++i) {
        ASSERT_EQ(static_cast<float>(after[i]), 2 * static_cast<float>(before[which][i]))
            << variant << ", gradient " << which << " at " << i;
      }
    }
  }
}

TEST_P(CudaLayerBitsTest, AddsToGradientsWhenAsked) {
  expect_gradients_added<bfloat16>(with_everything(GetParam()));
}
TEST_P(CudaLayerBitsTest, AddsToGradientsWhenAskedInFloat16) {
  expect_gradients_added<float16>(tests::in(DType::f16, with_everything(GetParam())));
}

/// A gradient that nobody wants is left out, and changes no bit of the others.
TEST_P(CudaLayerBitsTest, FrozenExpertsLeaveTheOtherGradients) {
  const Case test = with_everything(GetParam());
  for (const char* variant : all_variants()) {
    SCOPED_TRACE(variant);
    Bench bench(variant, test);
    const auto layer = bench.choice.variant->make_layer(bench.plan, first_gpu()->id());
    const Call call = bench.workbench.call(*first_gpu(), bench.plan);
    const Inputs inputs{bench.problem.x(), bench.problem.logit_offsets(), nullptr};
    const auto others_of = [&](bool is_frozen) {
      bench.workbench.poison(*first_gpu());
      InputGradients gradients = bench.workbench.gradients(false);
      const TensorView biases = gradients.weights.b_up;
      if (is_frozen) gradients.weights.w_up = gradients.weights.w_down = {};
      layer->forward(call, bench.problem.weights(), inputs, bench.workbench.outputs(false));
      layer->backward(call, bench.problem.weights(), inputs, bench.problem.d_out(), gradients);
      first_gpu()->synchronize();
      std::vector<std::byte> bytes(gradients.d_x.bytes() + biases.bytes());
      first_gpu()->copy_to_host(bytes.data(), gradients.d_x.data, gradients.d_x.bytes());
      first_gpu()->copy_to_host(bytes.data() + gradients.d_x.bytes(), biases.data, biases.bytes());
      return bytes;
    };
    const auto want = others_of(false);
    EXPECT_EQ(others_of(true), want);
  }
}

TEST_P(CudaLayerBitsTest, KeepSavedLeavesWhatForwardKept) {
  const Case test = with_everything(GetParam());
  Request request = measure::make_request(test.config, test.tokens, true);
  request.keep_saved = true;
  for (const char* variant : all_variants()) {
    SCOPED_TRACE(variant);
    Bench bench(variant, test, request);
    const auto layer = bench.choice.variant->make_layer(bench.plan, first_gpu()->id());
    const Call call = bench.workbench.call(*first_gpu(), bench.plan);
    const Inputs inputs{bench.problem.x(), bench.problem.logit_offsets(), nullptr};
    const auto saved = [&] {
      std::vector<std::byte> bytes(call.saved.bytes);
      first_gpu()->copy_to_host(bytes.data(), call.saved.data, bytes.size());
      return bytes;
    };
    bench.workbench.poison(*first_gpu());
    layer->forward(call, bench.problem.weights(), inputs, bench.workbench.outputs(false));
    const std::vector<std::byte> before = saved();
    layer->backward(call, bench.problem.weights(), inputs, bench.problem.d_out(),
                    bench.workbench.gradients(false));
    EXPECT_EQ(before, saved());
  }
}

INSTANTIATE_TEST_SUITE_P(Cuda, CudaLayerBitsTest, ::testing::ValuesIn(gpu_cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace moe::cuda_layers
