// A preset, a GPU that is here, or the CPU.
#include "memory/target.h"

#include <optional>

#include "cli/devices.h"
#include "measure/problem/variant_choice.h"
#include "moe/registry.h"
#include "report/text/format.h"

namespace moe::programs {
namespace {

constexpr const char* kUsualGpu = "h100";
constexpr double kUsableShare = 0.97;  // of free memory: the process itself needs some

/// Lines of remark: what was done and why, where figures come from.
std::string preset_remark(const model::GpuPreset& gpu, DType dtype, const std::string& why) {
  std::string text = "predicted, not measured: " + why + "\nfigures: " + std::string(gpu.source);
  if (!gpu.sustained_source.empty()) text += "\nrates " + std::string(gpu.sustained_source);
  if (dtype == DType::f32) text += "\nfp32 products at half the bf16 rate, as TF32";
  if (variants(DeviceKind::cuda).empty())
    text += "\nCUDA is not built here: without the scratch of its kernels";
  return text;
}

measure::MemoryTarget preset_target(const model::GpuPreset& gpu, DType dtype,
                                    const std::string& why) {
  measure::MemoryTarget target = measure::target_of(gpu);
  if (dtype == DType::f32) target.rates.flops /= 2;
  target.remark = preset_remark(gpu, dtype, why);
  return target;
}

measure::MemoryTarget device_target(Device& device, DType dtype) {
  measure::MemoryTarget target;
  target.traits = device.traits();
  target.name = std::string(name_of(device.id().kind)) + " " + target.traits.name;
  target.capacity_bytes =
      static_cast<std::int64_t>(kUsableShare * static_cast<double>(device.free_bytes()));
  const model::GpuPreset* preset = device.id().kind == DeviceKind::cuda
                                       ? model::gpu_preset_of_device(target.traits.name)
                                       : nullptr;
  if (preset != nullptr) {
    target.rates = model::attainable_rates(*preset);
    return target;
  }
  const bool emulated = dtype == DType::bf16 && !target.traits.has_bf16;
  target.rates = model::measured_rates(device.measure_ceilings(emulated ? DType::f32 : dtype));
  return target;
}

/// Why nothing can be measured on the device; `elsewhere`: another device could.
struct Obstacle {
  std::string reason;  // empty = none
  bool elsewhere = false;
};

std::optional<std::string> first_unsupported(const measure::MemoryRequest& request,
                                             const measure::MemoryTarget& target,
                                             const Device& device) {
  std::optional<std::string> first;
  for (const std::string& label : request.variants) {
    const model::LayerSetup setup =
        measure::layer_setup(target, request, label, request.model.tokens());
    const auto reason = measure::choose_variant(target, label)
                            .variant->unsupported(setup.plan.request, device.traits());
    if (!reason) return std::nullopt;  // one that runs is enough
    if (!first) first = reason->substr(0, reason->find(';'));
  }
  return first;
}

Obstacle obstacle(const MemoryOptions& options, const measure::MemoryRequest& request,
                  const measure::MemoryTarget& target, const Device& device) {
  if (options.predict_only) return {"--predict-only"};
  if (const auto reason = first_unsupported(request, target, device)) return {*reason, true};
  const measure::MemoryEffort effort = measuring_effort(target, request);
  if (effort.bytes > target.capacity_bytes) {
    return {"a pass needs " + report::format_bytes(static_cast<double>(effort.bytes)) + ", " +
                report::format_bytes(static_cast<double>(target.capacity_bytes)) + " are free",
            true};
  }
  const double seconds = effort.flops / target.rates.flops;
  if (seconds <= options.max_time_s) return {};
  return {"one pass would take about " + report::format_time(seconds) + ", --max-time is " +
          report::format_time(options.max_time_s)};
}

}  // namespace

void settle_dtype(MemoryOptions& options, DeviceKind kind) {
  if (kind != DeviceKind::cuda || !options.dtype_is_open) return;
  options.model.layer.dtype = DType::bf16;
  options.repeat_command += " --dtype bf16";
}

ChosenTarget choose_target(const MemoryOptions& options, const measure::MemoryRequest& request) {
  const DType dtype = request.model.layer.dtype;
  ChosenTarget chosen;
  chosen.device = open_device(options.gpu.empty() ? options.device : "cpu");
  if (!options.gpu.empty()) {
    chosen.why_not = "--gpu " + options.gpu;
    chosen.target = preset_target(model::gpu_preset(options.gpu), dtype, chosen.why_not);
  } else {
    chosen.target = device_target(*chosen.device, dtype);
    const Obstacle found = obstacle(options, request, chosen.target, *chosen.device);
    chosen.why_not = found.reason;
    chosen.measures = found.reason.empty();
    chosen.target.remark = chosen.measures ? "predicted from plans, measured by one pass here"
                                           : "predicted, not measured: " + chosen.why_not;
    const bool is_cpu = chosen.device->id().kind == DeviceKind::cpu;
    if (found.elsewhere && is_cpu && options.device == "auto") {
      chosen.target = preset_target(model::gpu_preset(kUsualGpu), dtype,
                                    "no GPU here, and on this CPU: " + chosen.why_not);
    }
  }
  chosen.is_here = chosen.target.traits.kind == chosen.device->id().kind;
  if (options.capacity_bytes) chosen.target.capacity_bytes = *options.capacity_bytes;
  return chosen;
}

}  // namespace moe::programs
