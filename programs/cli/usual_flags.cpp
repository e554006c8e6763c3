// CLI11 definitions.
#include "cli/usual_flags.h"

#include <CLI/CLI.hpp>

#include "cli/value_list.h"
#include "model/cluster/gpu_presets.h"

namespace moe::programs {
namespace {

constexpr const char* kOutput = "Output";

/// CLI11 would wrap "-1" round to 2^64 - 1. Returns what is wrong; empty = nothing.
std::string problem_of_seed(const std::string& text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  return digits ? "" : text + " is not a whole number from 0 upwards";
}

/// "a100 | h100 | ...", which completion reads as choices.
std::string gpu_names() {
  std::string names;
  for (const model::GpuPreset& gpu : model::gpu_presets()) {
    names += (names.empty() ? "" : " | ") + std::string(gpu.name);
  }
  return names;
}

}  // namespace

void add_out_flag(CLI::App& app, OutputOptions& options) {
  app.add_option("--out", options.out, "folder of results")
      ->type_name("DIR")
      ->capture_default_str()
      ->group(kOutput);
}

void add_output_flags(CLI::App& app, OutputOptions& options) {
  add_out_flag(app, options);
  app.add_flag_callback(
         "--no-plots", [&options] { options.plots = false; }, "no pictures")
      ->group(kOutput);
  app.add_flag("--quiet,-q", options.quiet, "no progress on stderr")->group(kOutput);
}

void add_device_flag(CLI::App& app, std::string& device, const char* help, const char* group) {
  app.add_option("--device", device, help)->capture_default_str()->group(group);
}

void add_threads_flag(CLI::App& app, int& threads, const char* group) {
  app.add_option("--threads", threads, "CPU threads, 0 = all")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str()
      ->group(group);
}

void add_seed_flag(CLI::App& app, std::uint64_t& seed, const char* group) {
  app.add_option("--seed", seed, "of all data")
      ->check(problem_of_seed)
      ->capture_default_str()
      ->group(group);
}

void add_gpu_flag(CLI::App& app, std::string& gpu, const std::string& help, const char* group) {
  app.add_option("--gpu", gpu, help + ": " + gpu_names())
      ->type_name("GPU")
      ->capture_default_str()
      ->group(group);
}

void add_variants_flag(CLI::App& app, std::vector<std::string>& variants, const char* group) {
  const auto store = [&variants](const std::string& text) {
    variants = text == "all" ? std::vector<std::string>{} : words_of("--variants", text);
  };
  app.add_option_function<std::string>("--variants", store,
                                       "all, or a list: vanilla,sonic,sonic+rounding")
      ->type_name("VARIANTS")
      ->default_str("all")
      ->group(group);
}

}  // namespace moe::programs
