// Shapes made for measuring: the project's own three, the twelve of the SonicMoE paper, and one
// sparse one.
#include "config/preset_tables.h"

namespace moe::config {
namespace {

struct Shape {
  const char* name;
  std::int64_t batch_size, seq_len;                      // T is their product
  std::int64_t hidden_dim, ffn_dim, num_experts, top_k;  // [d], [n], [E], [K]
  const char* source;
  DType dtype = DType::bf16;
  const char* note = "";
};

constexpr const char* kProject = "the project's standard configurations";
constexpr const char* kPaper = "SonicMoE (arXiv 2512.14080), benchmark shapes";
constexpr const char* kSmallNote = "the default: small enough for two CPU cores, hence fp32";
constexpr const char* kLargeNote =
    "DeepSeek-V3.2-Exp's own ffn_dim is 2048, not 14336: preset deepseek-v3 has the model's values";

// clang-format off
constexpr Shape kShapes[] = {
    // name               batch   seq     d      n    E   K  source
    {"small",                16,  256, 1024,  4096,   8,  2, kProject, DType::f32, kSmallNote},
    {"medium",               32,  512, 4096, 14336,  64,  4, kProject},
    {"large",                32, 2048, 7168, 14336, 256,  8, kProject, DType::bf16, kLargeNote},
    {"sonic-1.4b-n256",      10, 4096,  768,   256, 128,  8, kPaper},
    {"sonic-1.4b-n512",      10, 4096,  768,   512,  64,  4, kPaper},
    {"sonic-1.4b-n1024",     10, 4096,  768,  1024,  32,  2, kPaper},
    {"sonic-7b-n256",         6, 4096, 1536,   256, 128,  8, kPaper},
    {"sonic-7b-n512",         6, 4096, 1536,   512,  64,  4, kPaper},
    {"sonic-7b-n1024",        6, 4096, 1536,  1024,  32,  2, kPaper},
    {"sonic-30b-n256",        8, 4096, 4096,   256, 256, 16, kPaper},
    {"sonic-30b-n512",        8, 4096, 4096,   512, 128,  8, kPaper},
    {"sonic-30b-n1024",       8, 4096, 4096,  1024,  64,  4, kPaper},
    {"sonic-120b-n512",       8, 4096, 4096,   512, 256, 16, kPaper},
    {"sonic-120b-n1024",      8, 4096, 4096,  1024, 128,  8, kPaper},
    {"sonic-120b-n2048",      8, 4096, 4096,  2048,  64,  4, kPaper},
    {"sparse",                4, 4096, 4096,  1024, 256,  8, kProject, DType::bf16,
     "many experts with few rows each"},
};
// clang-format on

}  // namespace

std::vector<Preset> benchmark_shapes() {
  std::vector<Preset> presets;
  for (const Shape& shape : kShapes) {
    ModelConfig config;
    config.name = shape.name;
    config.layer.hidden_dim = shape.hidden_dim;
    config.layer.ffn_dim = shape.ffn_dim;
    config.layer.num_experts = shape.num_experts;
    config.layer.top_k = shape.top_k;
    config.layer.dtype = shape.dtype;
    config.batch_size = shape.batch_size;
    config.seq_len = shape.seq_len;
    config.source = shape.source;
    config.note = shape.note;
    presets.push_back({std::move(config), {}});
  }
  return presets;
}

}  // namespace moe::config
