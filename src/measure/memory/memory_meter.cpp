// Allocation, one pass, and the search.
#include "measure/memory/memory_meter.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "measure/run/probes.h"
#include "moe/error.h"

namespace moe::measure {
namespace {

constexpr std::size_t kGuardBytes = 4096;  // behind each region; must stay untouched
constexpr std::size_t kSearchBytes = 16 << 20;

std::int64_t used_bytes(const Device& device) {
  if (device.id().kind == DeviceKind::cpu) return resident_bytes();
  return -static_cast<std::int64_t>(device.free_bytes());
}

/// A region with a guard behind it, all of it untouched.
class MeteredRegion {
 public:
  MeteredRegion(Device& device, std::string name, std::size_t bytes)
      : device_(device),
        name_(std::move(name)),
        bytes_(bytes),
        buffer_(device, bytes + kGuardBytes) {
    device_.fill_bytes(buffer_.memory(), kUntouched);
  }

  Memory memory() const { return {buffer_.data(), bytes_}; }
  std::int64_t allocated_bytes() const { return static_cast<std::int64_t>(bytes_ + kGuardBytes); }

  std::int64_t high_water() const {
    if (high_water_bytes(device_, {buffer_.data() + bytes_, kGuardBytes}) > 0) {
      throw Error(ErrorKind::check_failed, "the " + name_ + " region was written past its end",
                  std::to_string(bytes_) + " bytes were lent");
    }
    return high_water_bytes(device_, memory());
  }

 private:
  Device& device_;
  std::string name_;
  std::size_t bytes_;
  DeviceBuffer buffer_;
};

/// First `rows` rows of a [T, ...] tensor.
TensorView first_rows(TensorView view, std::int64_t rows) {
  if (!view.empty()) view.shape[0] = rows;
  return view;
}

/// Outputs and gradients of one pass.
class PassTensors {
 public:
  PassTensors(Device& device, const LayerConfig& config, std::int64_t tokens, bool training)
      : token_bytes_(static_cast<std::size_t>(tokens * config.hidden_dim) * size_of(config.dtype)),
        gradient_bytes_(training ? Problem::carved_bytes(config, false) : 0),
        out_(device, token_bytes_),
        d_x_(device, training ? token_bytes_ : 0),
        gradients_(device, gradient_bytes_) {
    outputs.out = {out_.data(), config.dtype, {tokens, config.hidden_dim}};
    if (!training) return;
    input_gradients.d_x = {d_x_.data(), config.dtype, {tokens, config.hidden_dim}};
    input_gradients.weights = Problem::carve_weights(config, gradients_.data(), false);
  }

  /// Touched, so that the operating system counts it.
  void touch(Device& device) const {
    for (const DeviceBuffer* each : {&out_, &d_x_, &gradients_}) {
      if (each->memory().bytes > 0) device.fill_bytes(each->memory(), 0);
    }
  }
  std::int64_t bytes() const {
    return static_cast<std::int64_t>(out_.memory().bytes + d_x_.memory().bytes +
                                     gradients_.memory().bytes);
  }

  Outputs outputs;
  InputGradients input_gradients;

 private:
  std::size_t token_bytes_, gradient_bytes_;
  DeviceBuffer out_, d_x_, gradients_;
};

Inputs inputs_of(const Problem& problem, std::int64_t tokens) {
  return {first_rows(problem.x(), tokens), first_rows(problem.logit_offsets(), tokens), nullptr};
}

}  // namespace

std::int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

std::int64_t high_water_bytes(Device& device, Memory memory) {
  std::vector<unsigned char> block(std::min(kSearchBytes, memory.bytes));
  for (std::size_t end = memory.bytes; end > 0;) {
    const std::size_t begin = (end - 1) / kSearchBytes * kSearchBytes;
    device.copy_to_host(block.data(), memory.data + begin, end - begin);
    for (std::size_t at = end - begin; at > 0;) {
      const std::size_t word = (at - 1) / 8 * 8;
      const auto untouched = [](unsigned char byte) { return byte == kUntouched; };
      if (!std::all_of(block.begin() + static_cast<std::ptrdiff_t>(word),
                       block.begin() + static_cast<std::ptrdiff_t>(at), untouched)) {
        return static_cast<std::int64_t>(begin + at);
      }
      at = word;
    }
    end = begin;
  }
  return 0;
}

MemoryMeter::MemoryMeter(Device& device, const LayerConfig& layer, std::int64_t tokens,
                         const routing::Traffic& traffic, std::uint64_t seed)
    : device_(device), layer_(layer), problem_(device, layer, tokens, traffic, seed) {}

record::MemoryReading MemoryMeter::read(const VariantChoice& choice, const Plan& plan) {
  const std::int64_t tokens = plan.request.max_tokens;
  const bool training = plan.request.training;
  const std::int64_t used_before = used_bytes(device_);
  const MeteredRegion saved(device_, "saved", plan.saved_bytes);
  const MeteredRegion workspace(device_, "workspace", plan.workspace_bytes);
  const PassTensors tensors(device_, layer_, tokens, training);
  tensors.touch(device_);
  const std::unique_ptr<Layer> layer = choice.variant->make_layer(plan, device_.id());
  const Call call{device_.stream(), saved.memory(), workspace.memory(), nullptr};
  const Inputs inputs = inputs_of(problem_, tokens);

  record::MemoryReading reading;
  reading.seconds =
      device_.time([&] { layer->forward(call, problem_.weights(), inputs, tensors.outputs); });
  device_.synchronize();
  reading.forward_workspace_bytes = workspace.high_water();
  if (training) {
    const TensorView d_out = first_rows(problem_.d_out(), tokens);
    reading.seconds += device_.time(
        [&] { layer->backward(call, problem_.weights(), inputs, d_out, tensors.input_gradients); });
    device_.synchronize();
  }
  reading.saved_bytes = saved.high_water();
  reading.workspace_bytes = workspace.high_water();
  reading.allocated_bytes = saved.allocated_bytes() + workspace.allocated_bytes() + tensors.bytes();
  reading.device_bytes = used_bytes(device_) - used_before;
  const Routing routing = layer->routing(saved.memory(), tokens);
  std::int32_t rows = 0;
  device_.copy_to_host(&rows, routing.expert_offsets.as<std::int32_t>() + layer_.num_experts,
                       sizeof rows);
  reading.executed_pairs = rows;
  return reading;
}

void MemoryMeter::run_bare(const VariantChoice& choice, const Plan& plan) {
  const std::int64_t tokens = plan.request.max_tokens;
  const DeviceBuffer saved(device_, plan.saved_bytes), workspace(device_, plan.workspace_bytes);
  const PassTensors tensors(device_, layer_, tokens, plan.request.training);
  const std::unique_ptr<Layer> layer = choice.variant->make_layer(plan, device_.id());
  RangeProbe steps(device_);
  const Call call{device_.stream(), saved.memory(), workspace.memory(), &steps};
  const Inputs inputs = inputs_of(problem_, tokens);
  device_.synchronize();  // kernels that made the tensors are not the layer's
  device_.set_profiling(true);
  {
    const RangeScope forward(device_, "forward");
    layer->forward(call, problem_.weights(), inputs, tensors.outputs);
  }
  if (plan.request.training) {
    const RangeScope backward(device_, "backward");
    layer->backward(call, problem_.weights(), inputs, first_rows(problem_.d_out(), tokens),
                    tensors.input_gradients);
  }
  device_.synchronize();
  device_.set_profiling(false);
}

}  // namespace moe::measure
