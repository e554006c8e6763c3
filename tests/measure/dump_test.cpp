// Dumped tensors: files, types and shapes, and that they suffice to work out the layer's output
// anew.
#include "measure/verify/dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "measure/comparison.h"
#include "measure/npy_file.h"
#include "record/scratch_folder.h"

namespace moe::measure {
namespace {

namespace fs = std::filesystem;
using Shape = std::vector<std::int64_t>;

class Dump : public testing::Test {
 protected:
  Dump() { comparison_.request.dump_folder = folder_.path(); }

  /// Shape of each .npy file below the folder, by its path there.
  std::map<std::string, Shape> shapes() const {
    std::map<std::string, Shape> all;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      if (entry.path().extension() != ".npy") continue;
      all[fs::relative(entry.path(), folder_.path()).string()] = read_npy(entry.path()).shape;
    }
    return all;
  }
  NpyFile file(const std::string& name) const { return read_npy(folder_.path() / name); }
  std::vector<float> floats(const std::string& name) const { return file(name).values<float>(); }

  record::ScratchFolder folder_;
  Comparison comparison_;
};

TEST_F(Dump, WritesTheListedFilesWithTheirShapes) {
  comparison_.request.variants = {"sonic", "sonic+rounding"};
  EXPECT_TRUE(comparison_.execute());
  const std::int64_t rows = comparison_.row("sonic+rounding").executed_pairs;
  const std::map<std::string, Shape> expected = {{"shared/x.npy", {96, 32}},
                                                 {"shared/d_out.npy", {96, 32}},
                                                 {"shared/w_router.npy", {8, 32}},
                                                 {"shared/w_up.npy", {8, 48, 32}},
                                                 {"shared/w_down.npy", {8, 32, 24}},
                                                 {"sonic/expert_ids.npy", {96, 2}},
                                                 {"sonic/scores.npy", {96, 2}},
                                                 {"sonic/out.npy", {96, 32}},
                                                 {"sonic/d_x.npy", {96, 32}},
                                                 {"sonic/d_w_router.npy", {8, 32}},
                                                 {"sonic/d_w_up.npy", {8, 48, 32}},
                                                 {"sonic/d_w_down.npy", {8, 32, 24}},
                                                 {"sonic+rounding/pairs.npy", {rows, 2}},
                                                 {"sonic+rounding/pair_scores.npy", {rows}},
                                                 {"sonic+rounding/out.npy", {96, 32}},
                                                 {"sonic+rounding/d_x.npy", {96, 32}},
                                                 {"sonic+rounding/d_w_router.npy", {8, 32}},
                                                 {"sonic+rounding/d_w_up.npy", {8, 48, 32}},
                                                 {"sonic+rounding/d_w_down.npy", {8, 32, 24}}};
  EXPECT_EQ(shapes(), expected);
  EXPECT_THAT(bytes_of_file(folder_.path() / "config.json"),
              testing::HasSubstr("\"hidden_dim\": 32"));
}

TEST_F(Dump, WritesFloat32AndInt32Only) {
  comparison_.request.variants = {"vanilla+rounding", "vanilla"};
  comparison_.request.model.layer.dtype = DType::bf16;
  comparison_.request.check = CheckLevel::off;
  if (!comparison_.device.traits().has_bf16)
    GTEST_SKIP() << "no bfloat16 arithmetic on this processor";
  EXPECT_TRUE(comparison_.execute());
  for (const auto& [name, shape] : shapes()) {
    const bool integers = name.ends_with("expert_ids.npy") || name.ends_with("pairs.npy");
    EXPECT_EQ(file(name).type, integers ? "<i4" : "<f4") << name;
  }
  for (float value : floats("shared/x.npy")) EXPECT_EQ(static_cast<float>(bfloat16(value)), value);
}

TEST_F(Dump, WidensFloat16) {
  comparison_.request.variants = {"vanilla"};
  comparison_.request.model.layer.dtype = DType::f16;
  comparison_.request.check = CheckLevel::off;
  EXPECT_TRUE(comparison_.execute());
  for (const char* name : {"shared/x.npy", "shared/w_up.npy", "vanilla/d_w_up.npy"}) {
    EXPECT_EQ(file(name).type, "<f4") << name;
    for (float value : floats(name)) EXPECT_EQ(static_cast<float>(float16(value)), value) << name;
  }
}

TEST_F(Dump, ForwardAloneHasNoGradients) {
  comparison_.request.variants = {"grouped_gemm"};
  comparison_.request.backward = false;
  EXPECT_TRUE(comparison_.execute());
  const auto all = shapes();
  EXPECT_TRUE(all.contains("grouped_gemm/out.npy"));
  for (const auto& [name, shape] : all) EXPECT_FALSE(name.starts_with("grouped_gemm/d_")) << name;
}

TEST_F(Dump, HasAllThatALayerReads) {
  comparison_.request.variants = {"sonic"};
  comparison_.request.traffic = routing::parse_traffic("zipf:1");
  comparison_.request.model.layer.gate = {
      .kind = GateKind::sigmoid, .selection_bias = true, .logit_bias = true};
  comparison_.request.model.layer.shared = {.ffn_dim = 20, .gated = true};
  comparison_.request.model.layer.expert_bias = true;
  EXPECT_TRUE(comparison_.execute());
  const auto all = shapes();
  EXPECT_EQ(all.at("shared/logit_offsets.npy"), (Shape{96, 8}));
  EXPECT_EQ(all.at("shared/b_select.npy"), Shape{8});
  EXPECT_EQ(all.at("shared/b_up.npy"), (Shape{8, 48}));
  EXPECT_EQ(all.at("sonic/d_b_down.npy"), (Shape{8, 32}));
  EXPECT_EQ(all.at("sonic/d_b_router.npy"), Shape{8});
  EXPECT_EQ(all.at("shared/w_shared_up.npy"), (Shape{40, 32}));
  EXPECT_EQ(all.at("shared/w_shared_down.npy"), (Shape{32, 20}));
  EXPECT_EQ(all.at("shared/w_shared_gate.npy"), Shape{32});
  EXPECT_EQ(all.at("sonic/d_w_shared_up.npy"), (Shape{40, 32}));
  EXPECT_EQ(all.at("sonic/d_w_shared_down.npy"), (Shape{32, 20}));
  EXPECT_EQ(all.at("sonic/d_w_shared_gate.npy"), Shape{32});
}

TEST_F(Dump, PairsAscendByExpertThenToken) {
  comparison_.request.variants = {"grouped_gemm+rounding"};
  EXPECT_TRUE(comparison_.execute());
  const auto pairs = file("grouped_gemm+rounding/pairs.npy").values<std::int32_t>();
  for (std::size_t i = 2; i < pairs.size(); i += 2) {
    EXPECT_LT(std::make_pair(pairs[i - 1], pairs[i - 2]), std::make_pair(pairs[i + 1], pairs[i]));
  }
  for (float score : floats("grouped_gemm+rounding/pair_scores.npy"))
    EXPECT_TRUE(score > 0 && score < 1);
}

/// The formula of a SwiGLU expert for one token, on dumped arrays: gate rows stand first in w_up.
std::vector<double> expert_output(const std::vector<float>& x, const std::vector<float>& w_up,
                                  const std::vector<float>& w_down, std::int64_t t,
                                  std::int64_t e) {
  constexpr std::int64_t d = 32, n = 24;
  std::vector<double> out(d);
  for (std::int64_t i = 0; i < n; ++i) {
    double gate = 0, up = 0;
    for (std::int64_t j = 0; j < d; ++j) {
      gate += double{x[t * d + j]} * w_up[(e * 2 * n + i) * d + j];
      up += double{x[t * d + j]} * w_up[(e * 2 * n + n + i) * d + j];
    }
    for (std::int64_t j = 0; j < d; ++j)
      out[j] += gate / (1 + std::exp(-gate)) * up * w_down[(e * d + j) * n + i];
  }
  return out;
}

TEST_F(Dump, SufficesToWorkOutTheOutputAnew) {
  comparison_.request.variants = {"sonic"};
  EXPECT_TRUE(comparison_.execute());
  const auto x = floats("shared/x.npy"), w_up = floats("shared/w_up.npy"),
             w_down = floats("shared/w_down.npy");
  const auto out = floats("sonic/out.npy"), scores = floats("sonic/scores.npy");
  const auto expert_ids = file("sonic/expert_ids.npy").values<std::int32_t>();
  double error = 0, norm = 0;
  for (std::int64_t t = 0; t < 96; ++t) {
    std::vector<double> want(32);
    for (std::int64_t k = 0; k < 2; ++k) {
      const auto y = expert_output(x, w_up, w_down, t, expert_ids[t * 2 + k]);
      for (std::int64_t j = 0; j < 32; ++j) want[j] += scores[t * 2 + k] * y[j];
    }
    for (std::int64_t j = 0; j < 32; ++j) {
      error += std::pow(out[t * 32 + j] - want[j], 2);
      norm += want[j] * want[j];
    }
  }
  EXPECT_GT(norm, 0);
  EXPECT_LT(std::sqrt(error / norm), 1e-5);
}

TEST_F(Dump, TakesTheBytesThatWereForetold) {
  EXPECT_TRUE(comparison_.execute());
  std::int64_t written = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
    if (entry.path().extension() == ".npy")
      written += static_cast<std::int64_t>(read_npy(entry.path()).data.size());
  }
  const LayerConfig& config = comparison_.request.model.layer;
  const std::int64_t foretold = dump_bytes(config, 96, 5, true);
  EXPECT_LE(written, foretold);
  EXPECT_GT(written, foretold * 9 / 10);
  EXPECT_LT(dump_bytes(config, 96, 5, false), foretold / 2);
}

}  // namespace
}  // namespace moe::measure
