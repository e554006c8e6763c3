// Flags that several programs take, in the same words.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace moe::programs {

/// Where results go, and what is left out.
struct OutputOptions {
  std::filesystem::path out = "results";
  bool plots = true;
  bool quiet = false;  // no progress on stderr
};

/// --out, --no-plots and --quiet, as the group "Output".
void add_output_flags(CLI::App& app, OutputOptions& options);

/// --out alone: where saved results are looked up.
void add_out_flag(CLI::App& app, OutputOptions& options);

void add_device_flag(CLI::App& app, std::string& device, const char* help, const char* group);
void add_threads_flag(CLI::App& app, int& threads, const char* group);
void add_seed_flag(CLI::App& app, std::uint64_t& seed, const char* group);

/// --gpu: a preset by name; `help` goes before the names.
void add_gpu_flag(CLI::App& app, std::string& gpu, const std::string& help, const char* group);

/// --variants: a list of labels; "all" leaves `variants` empty.
void add_variants_flag(CLI::App& app, std::vector<std::string>& variants, const char* group);

}  // namespace moe::programs
