// A program that trains one MoE layer to repeat its input. It owns all memory: tensors, and the two
// regions that a layer works in. The numbered steps are those of the tour in moe/moe.h. Prints the
// loss of each step and where the tokens went; fails when the loss does not fall.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "moe/moe.h"

namespace {

using Values = std::vector<float>;
using Region = std::unique_ptr<std::byte, decltype(&std::free)>;

Region allocate(std::size_t bytes, std::size_t alignment) {
  const std::size_t whole_bytes = (bytes + alignment - 1) / alignment * alignment;
  return {static_cast<std::byte*>(std::aligned_alloc(alignment, whole_bytes)), &std::free};
}

Values normal_values(std::int64_t count, float deviation) {
  static std::mt19937 generator(7);
  std::normal_distribution<float> normal(0.0f, deviation);
  Values values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

moe::TensorView view(Values& values, std::initializer_list<std::int64_t> shape) {
  return {values.data(), moe::DType::f32, shape};
}

// Half the mean squared distance per token; d_out is its gradient.
float loss_of(const Values& out, const Values& target, std::int64_t tokens, Values& d_out) {
  float loss = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    d_out[i] = (out[i] - target[i]) / static_cast<float>(tokens);
    loss += 0.5f * (out[i] - target[i]) * d_out[i];
  }
  return loss;
}

void descend(Values& weights, const Values& gradient) {
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] -= 1.0f * gradient[i];
}

bool train() {
  // 1. Describe a layer.
  const std::int64_t T = 256, d = 64, n = 128, E = 8;
  const moe::LayerConfig config{.hidden_dim = d, .ffn_dim = n, .num_experts = E, .top_k = 2};

  // 2. Choose an implementation.
  const auto device = std::move(moe::devices(moe::DeviceKind::cpu).front());
  const moe::Variant& sonic = *moe::find_variant(moe::DeviceKind::cpu, "sonic");

  // 3. Ask what it needs.
  const moe::Request request{config, T, moe::max_routed_rows(config, T)};
  const moe::Plan plan = sonic.plan(request, device->traits());
  std::printf("saved for backward: %zu bytes, workspace: %zu bytes\n", plan.saved_bytes,
              plan.workspace_bytes);

  // 4. Lend it memory and a stream.
  const Region saved = allocate(plan.saved_bytes, device->traits().alignment);
  const Region workspace = allocate(plan.workspace_bytes, device->traits().alignment);
  const moe::Call call{.stream = device->stream(),
                       .saved = {saved.get(), plan.saved_bytes},
                       .workspace = {workspace.get(), plan.workspace_bytes}};

  Values x = normal_values(T * d, 1.0f), out(x.size()), d_out(x.size()), d_x(x.size());
  Values w_router = normal_values(E * d, 0.1f), d_w_router(w_router.size());
  Values w_up = normal_values(E * 2 * n * d, 0.1f), d_w_up(w_up.size());
  Values w_down = normal_values(E * d * n, 0.1f), d_w_down(w_down.size());
  const moe::Inputs inputs{.x = view(x, {T, d})};
  const moe::Weights weights{.w_router = view(w_router, {E, d}),
                             .w_up = view(w_up, {E, 2 * n, d}),
                             .w_down = view(w_down, {E, d, n})};
  const moe::Gradients gradients{.w_router = view(d_w_router, {E, d}),
                                 .w_up = view(d_w_up, {E, 2 * n, d}),
                                 .w_down = view(d_w_down, {E, d, n})};

  // 5. Run.
  const auto layer = sonic.make_layer(plan, device->id());
  Values losses;
  for (int step = 0; step < 5; ++step) {
    layer->forward(call, weights, inputs, {.out = view(out, {T, d})});
    losses.push_back(loss_of(out, x, T, d_out));
    std::printf("step %d: loss %.3f\n", step, losses.back());
    layer->backward(call, weights, inputs, view(d_out, {T, d}),
                    {.d_x = view(d_x, {T, d}), .weights = gradients});
    descend(w_router, d_w_router);
    descend(w_up, d_w_up);
    descend(w_down, d_w_down);
  }

  // 6. See where tokens went.
  const moe::Routing routing = layer->routing(call.saved, T);
  const auto* offsets = routing.expert_offsets.as<std::int32_t>();
  for (int expert = 0; expert < E; ++expert) {
    const int rows = offsets[expert + 1] - offsets[expert];
    const std::string bar(static_cast<std::size_t>(rows) / 4, '#');
    std::printf("expert %d: %3d tokens %s\n", expert, rows, bar.c_str());
  }
  return losses.back() < losses.front();
}

}  // namespace

int main() {
  try {
    return train() ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const moe::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return moe::exit_code(error.kind());
  }
}
