// Tables about one layer: latency against arithmetic and bandwidth, memory against formulas.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "model/cluster/gpu_presets.h"
#include "model/layer/layer_cost.h"
#include "model/published/table_rules.h"

namespace moe::model {
namespace {

constexpr double kBytes = 2;  // bfloat16
constexpr double kGB = 1e9, kGiB = 1024.0 * 1024 * 1024;

struct Shape {
  double tokens, d, n, experts, top_k;

  double rows() const { return tokens * top_k; }
  double weights(double matrices) const { return experts * matrices * d * n * kBytes; }
  double x() const { return tokens * d * kBytes; }
  double h() const { return rows() * 2 * n * kBytes; }
  double a() const { return rows() * n * kBytes; }
  double y() const { return rows() * d * kBytes; }
  double logits() const { return tokens * experts * 4; }
};

Shape read_shape(const config::TomlTable& table) {
  return {table.number("tokens"), table.number("hidden_dim"), table.number("ffn_dim"),
          table.number("num_experts"), table.number("top_k")};
}

/// A thing that a printed number may mean, in bytes.
struct Reading {
  std::string what;
  double bytes;
};

void add_readings(const std::string& kind, const Shape& s, const std::string& of,
                  std::vector<Reading>& readings) {
  if (kind == "weights") {
    readings.push_back({"two matrices per expert" + of, s.weights(2)});
    readings.push_back({"SwiGLU, three matrices per expert" + of, s.weights(3)});
  } else if (kind == "activations") {
    readings.push_back({"X and H, kept for backward" + of, s.x() + s.h()});
    readings.push_back(
        {"X, gathered X, H, A and Y, kept for backward" + of, s.x() + 2 * s.y() + s.h() + s.a()});
    readings.push_back(
        {"the forward peak X + H + A + Y + out" + of, 2 * s.x() + s.h() + s.a() + s.y()});
    readings.push_back(
        {"the forward peak of a loop that gathers X" + of, 2 * s.x() + s.h() + s.a() + 2 * s.y()});
  } else {
    readings.push_back({"one buffer of H's size and float32 logits" + of, s.h() + s.logits()});
    readings.push_back({"two buffers of H's size and float32 logits" + of, 2 * s.h() + s.logits()});
  }
}

std::string nearest_reading(const std::vector<Reading>& readings, double printed) {
  std::string text;
  double nearest = INFINITY;
  for (const Reading& reading : readings) {
    for (const auto& [unit, name] : {std::pair{kGB, "GB"}, std::pair{kGiB, "GiB"}}) {
      const double value = reading.bytes / unit;
      const double distance = std::abs(std::log(printed / value));
      if (distance >= nearest) continue;
      nearest = distance;
      text = fmt::format("nearest reading: {}, {:.2f} {}, {:.1f} % off", reading.what, value, name,
                         100 * std::abs(printed / value - 1));
    }
  }
  return text;
}

}  // namespace

void check_latency(const config::TomlTable& table, std::vector<Finding>& findings) {
  const Shape s = read_shape(table);
  const GpuPreset& gpu = gpu_preset(table.text("gpu"));
  const std::string name = table.text("name");
  // The least that any reading needs: forward only, two matrices per expert, weights read once.
  const double flops = 4 * s.rows() * s.d * s.n;
  const double compute_s = flops / gpu.bf16_flops_per_s;
  const double read_s = s.weights(2) / gpu.memory_bytes_per_s;
  for (const config::TomlTable& row : table.tables("row")) {
    const double seconds = row.number("ms") / 1000;
    const double share = compute_s / seconds;
    const bool possible = share <= 1 && read_s <= seconds;
    findings.push_back(
        {name, row.text("name"), "time", possible ? Verdict::plausible : Verdict::impossible,
         fmt::format("{:.1f} ms for the forward pass alone, two matrices per expert, would be "
                     "{:.0f} TFLOP/s, {:.0f} % of the bf16 peak ({:.0f} % with SwiGLU); with "
                     "backward three times that. Floor {:.1f} ms",
                     1e3 * seconds, flops / seconds / 1e12, 100 * share, 150 * share,
                     1e3 * std::max(compute_s, read_s))});
    row.refuse_unknown_keys();
  }
  table.refuse_unknown_keys();
}

void check_memory(const config::TomlTable& table, std::vector<Finding>& findings) {
  const Shape captioned = read_shape(table);
  Shape other = captioned;
  other.n = table.number_or("other_ffn_dim", captioned.n);
  const std::string name = table.text("name");
  for (const config::TomlTable& row : table.tables("row")) {
    const std::string kind = row.text("kind");
    if (kind != "weights" && kind != "activations" && kind != "buffers") {
      throw row.error("kind '" + kind + "'", "kinds are weights, activations, buffers");
    }
    const double printed = row.number("gb");
    std::vector<Reading> captions, readings;
    add_readings(kind, captioned, "", captions);
    readings = captions;
    add_readings(kind, other, fmt::format(" with ffn_dim {:.0f}", other.n), readings);
    const bool fits = std::any_of(captions.begin(), captions.end(), [&](const Reading& reading) {
      return std::abs(printed / (reading.bytes / kGB) - 1) <= kRounding ||
             std::abs(printed / (reading.bytes / kGiB) - 1) <= kRounding;
    });
    findings.push_back(
        {name, row.text("name"), fmt::format("{} GB", printed),
         fits ? Verdict::plausible : Verdict::contradiction,
         fmt::format("the captioned layer gives {:.1f} GB and more; {}",
                     captions.front().bytes / kGB, nearest_reading(readings, printed))});
    row.refuse_unknown_keys();
  }
  table.refuse_unknown_keys();
}

}  // namespace moe::model
