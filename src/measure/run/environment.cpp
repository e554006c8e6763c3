// Facts of the host and of this build.
#include "measure/run/environment.h"

#include <sys/utsname.h>

#include <fstream>
#include <string>

#include "build_info.h"

namespace moe::measure {
namespace {

/// PRETTY_NAME of /etc/os-release, or the kernel's name.
std::string os_name() {
  std::ifstream file("/etc/os-release");
  for (std::string line; std::getline(file, line);) {
    constexpr std::string_view kKey = "PRETTY_NAME=\"";
    if (line.rfind(kKey, 0) == 0) return line.substr(kKey.size(), line.size() - kKey.size() - 1);
  }
  utsname names{};
  return uname(&names) == 0 ? names.sysname : "";
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return {};
}

}  // namespace

record::Environment read_environment(const Device& device) {
  const DeviceTraits& traits = device.traits();
  record::Environment environment;
  environment.device_kind = name_of(traits.kind);
  environment.device_name = traits.name;
  environment.num_cores = traits.num_cores;
  environment.memory_bytes = static_cast<std::int64_t>(traits.memory_bytes);
  environment.host_cpu = cpu_name();
  environment.os = os_name();
  environment.compiler = build_info::kCompiler;
  environment.build_type = build_info::kBuildType;
  environment.version = build_info::kVersion;
  environment.git_commit = build_info::kGitCommit;
  environment.git_dirty = build_info::kGitDirty;
  environment.gemm_library = traits.gemm_library;
  if (!traits.driver.empty()) environment.extra["driver"] = traits.driver;
  return environment;
}

}  // namespace moe::measure
