// Whole layers beside their dense bound, and the time of every step: for the author of a kernel.
//
//   layer_bench PRESET[,PRESET...] ROUNDS VARIANT[,VARIANT...] [TOKENS]
//
// The dense bound is each expert GEMM alone as one cuBLAS batched product of equal sizes. All of it
// runs interleaved with a cold L2; medians are printed. Steps: ms, and in brackets the us that the
// host takes to issue them where passes follow one another.
#include <cublas_v2.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "config/load.h"
#include "core/random.h"
#include "cuda/kernels/fill/random_fill.h"
#include "cuda/runtime/check.h"
#include "cuda/runtime/event.h"
#include "measure/problem/device_buffer.h"
#include "measure/problem/memory_need.h"
#include "moe/moe.h"

namespace {

using namespace moe;
using measure::DeviceBuffer;

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Records an event at both ends of every step.
class EventProbe final : public Probe {
 public:
  explicit EventProbe(cudaStream_t stream) : stream_(stream) {}
  void begin(std::string_view step) override {
    names_.emplace_back(step);
    mark();
  }
  void end(std::string_view) override { mark(); }
  void collect(std::map<std::string, std::vector<double>>& times) {
    events_.back()->synchronize();
    for (std::size_t i = 0; i + 1 < events_.size(); i += 2) {
      times[names_[i / 2]].push_back(events_[i + 1]->seconds_since(*events_[i]));
    }
    events_.clear();
    names_.clear();
  }

 private:
  void mark() {
    events_.push_back(std::make_unique<cuda::Event>());
    events_.back()->record(stream_);
  }
  cudaStream_t stream_;
  std::vector<std::unique_ptr<cuda::Event>> events_;
  std::vector<std::string> names_;
};

/// How long the host takes to issue each step.
class HostProbe final : public Probe {
 public:
  void begin(std::string_view) override { begin_ = Clock::now(); }
  void end(std::string_view step) override {
    times[std::string(step)].push_back(
        std::chrono::duration<double>(Clock::now() - begin_).count());
  }
  std::map<std::string, std::vector<double>> times;

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point begin_;
};

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

struct Tensors {
  std::vector<DeviceBuffer> owned;
  Weights weights;
  Gradients gradients;
  TensorView x, out, d_out, d_x;
};

TensorView make(Device& device, Tensors& tensors, DType dtype,
                std::initializer_list<std::int64_t> shape, int stream_number, float deviation) {
  TensorView view(nullptr, dtype, shape);
  tensors.owned.emplace_back(device, view.bytes());
  view.data = tensors.owned.back().data();
  if (deviation > 0) {
    cuda::random_fill(view, 42 + stream_number, RandomStream::tests, deviation,
                      static_cast<cudaStream_t>(device.stream().native));
  }
  return view;
}

Tensors make_tensors(Device& device, const LayerConfig& c, std::int64_t T) {
  Tensors t;
  const float up = 1.0f / std::sqrt(float(c.hidden_dim)), down = 1.0f / std::sqrt(float(c.ffn_dim));
  t.x = make(device, t, c.dtype, {T, c.hidden_dim}, 1, 1);
  t.d_out = make(device, t, c.dtype, {T, c.hidden_dim}, 2, 1);
  t.out = make(device, t, c.dtype, {T, c.hidden_dim}, 0, 0);
  t.d_x = make(device, t, c.dtype, {T, c.hidden_dim}, 0, 0);
  for (Weights* w : {&t.weights, &t.gradients}) {
    const float on = w == &t.weights ? 1 : 0;
    w->w_router = make(device, t, c.dtype, {c.num_experts, c.hidden_dim}, 3, on * up);
    w->w_up = make(device, t, c.dtype, {c.num_experts, c.up_dim(), c.hidden_dim}, 4, on * up);
    w->w_down = make(device, t, c.dtype, {c.num_experts, c.hidden_dim, c.ffn_dim}, 5, on * down);
  }
  return t;
}

/// The six products of a layer as cuBLAS sees them at best.
class DenseBound {
 public:
  DenseBound(Device& device, const LayerConfig& c, std::int64_t T, const Tensors& t)
      : device_(device),
        c_(c),
        rows_(T * c.top_k / c.num_experts),
        t_(t),
        scratch_(device, 32 << 20),
        x_(device, std::size_t(rows_) * c.num_experts * c.hidden_dim * 2),
        h_(device, std::size_t(rows_) * c.num_experts * c.up_dim() * 2),
        a_(device, std::size_t(rows_) * c.num_experts * c.ffn_dim * 2) {
    cublasCreate(&blas_);
    cublasSetStream(blas_, static_cast<cudaStream_t>(device.stream().native));
    cublasSetWorkspace(blas_, scratch_.data(), 32 << 20);
    auto fill = [&](DeviceBuffer& b, std::size_t n, int s) {
      cuda::random_fill(TensorView(b.data(), DType::bf16, {std::int64_t(n)}), s,
                        RandomStream::tests, 1, static_cast<cudaStream_t>(device.stream().native));
    };
    fill(x_, std::size_t(rows_) * c.num_experts * c.hidden_dim, 11);
    fill(h_, std::size_t(rows_) * c.num_experts * c.up_dim(), 12);
    fill(a_, std::size_t(rows_) * c.num_experts * c.ffn_dim, 13);
  }
  std::vector<std::function<void()>> works() {
    const int d = int(c_.hidden_dim), n = int(c_.ffn_dim), u = int(c_.up_dim()), r = int(rows_);
    return {
        [=, this] { gemm(false, true, r, u, d, x_.data(), t_.weights.w_up.data, h_.data()); },
        [=, this] { gemm(false, true, r, d, n, a_.data(), t_.weights.w_down.data, x_.data()); },
        [=, this] { gemm(false, false, r, n, d, x_.data(), t_.weights.w_down.data, a_.data()); },
        [=, this] { gemm(false, false, r, d, u, h_.data(), t_.weights.w_up.data, x_.data()); },
        [=, this] { gemm(true, false, d, n, r, x_.data(), a_.data(), t_.gradients.w_down.data); },
        [=, this] { gemm(true, false, u, d, r, h_.data(), x_.data(), t_.gradients.w_up.data); }};
  }

 private:
  void gemm(bool ta, bool tb, int m, int n, int k, const void* a, const void* b, void* c) {
    const float one = 1, zero = 0;
    const auto status = cublasGemmStridedBatchedEx(
        blas_, tb ? CUBLAS_OP_T : CUBLAS_OP_N, ta ? CUBLAS_OP_T : CUBLAS_OP_N, n, m, k, &one, b,
        CUDA_R_16BF, tb ? k : n, std::int64_t(n) * k, a, CUDA_R_16BF, ta ? m : k,
        std::int64_t(m) * k, &zero, c, CUDA_R_16BF, n, std::int64_t(m) * n, int(c_.num_experts),
        CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
    if (status != CUBLAS_STATUS_SUCCESS) std::printf("cublas failed: %d\n", int(status));
  }
  Device& device_;
  LayerConfig c_;
  std::int64_t rows_;
  const Tensors& t_;
  DeviceBuffer scratch_, x_, h_, a_;
  cublasHandle_t blas_;
};

struct Subject {
  std::string name;
  Plan plan;
  std::unique_ptr<Layer> layer;
  double first_s = 0;  // both passes
  std::vector<double> fwd_s, bwd_s, fwd_host_s, bwd_host_s;
  std::map<std::string, std::vector<double>> step_s;
  HostProbe step_host;
};

class LayerBench {
 public:
  LayerBench(Device& device, const LayerConfig& config, std::int64_t tokens,
             const std::vector<std::string>& names)
      : device_(device),
        config_(config),
        tokens_(tokens),
        tensors_(make_tensors(device, config, tokens)),
        dense_(device, config, tokens, tensors_),
        gemms_(dense_.works()),
        gemm_s_(gemms_.size()) {
    std::size_t region = 0;
    for (const std::string& name : names) {
      const Variant* v = find_variant(DeviceKind::cuda, name);
      if (v == nullptr) {
        throw std::runtime_error("no variant " + name + " on GPUs; see bench_moe_variants list");
      }
      Plan plan = v->plan(measure::make_request(config, tokens, true), device.traits());
      region = std::max(region, plan.saved_bytes + plan.workspace_bytes);
      auto layer = v->make_layer(plan, device.id());
      subjects_.push_back({.name = name, .plan = std::move(plan), .layer = std::move(layer)});
    }
    memory_.emplace(device, region);
    device.synchronize();
  }

  void run(int rounds) {
    time_first_calls();
    for (int round = -2; round < rounds; ++round) time_round(round >= 0);
    for (int round = 0; round < std::min(rounds, 5); ++round) time_steps();
    for (int round = 0; round < rounds; ++round) time_host();
  }

  void print(const std::string& preset) const {
    const double work =
        6.0 * double(tokens_) * config_.top_k * config_.hidden_dim * config_.ffn_dim;
    const auto gemm = [this](int i) { return median(gemm_s_[i]); };
    const double dense_f = gemm(0) + gemm(1), dense_b = gemm(2) + gemm(3) + gemm(4) + gemm(5);
    std::printf(
        "%-17s dense %.3f ms %4.0f | %.3f ms %4.0f TF   up %.3f down %.3f d_a %.3f d_x %.3f dWd "
        "%.3f dWu %.3f\n",
        preset.c_str(), dense_f * 1e3, work / dense_f / 1e12, dense_b * 1e3,
        2 * work / dense_b / 1e12, gemm(0) * 1e3, gemm(1) * 1e3, gemm(2) * 1e3, gemm(3) * 1e3,
        gemm(4) * 1e3, gemm(5) * 1e3);
    for (const Subject& s : subjects_) {
      const double f = median(s.fwd_s), b = median(s.bwd_s);
      std::printf(
          "  %-15s fwd %.3f ms %4.0f TF %5.1f %% | bwd %.3f ms %4.0f TF %5.1f %% | host %.0f + "
          "%.0f us, first call of both %.0f ms\n   ",
          s.name.c_str(), f * 1e3, work / f / 1e12, 100 * dense_f / f, b * 1e3, 2 * work / b / 1e12,
          100 * dense_b / b, median(s.fwd_host_s) * 1e6, median(s.bwd_host_s) * 1e6,
          s.first_s * 1e3);
      for (const auto& [name, values] : s.step_s) {
        std::printf(" %s %.3f (%.1f)", name.c_str(), median(values) * 1e3,
                    median(s.step_host.times.at(name)) * 1e6);
      }
      std::printf("\n");
    }
    std::fflush(stdout);
  }

 private:
  Call call_of(const Subject& s, Probe* probe) {
    return {device_.stream(),
            {memory_->data(), s.plan.saved_bytes},
            {memory_->data() + s.plan.saved_bytes, s.plan.workspace_bytes},
            probe};
  }

  void forward(Subject& s, Probe* probe = nullptr) {
    s.layer->forward(call_of(s, probe), tensors_.weights, {tensors_.x, {}, nullptr},
                     {tensors_.out, {}});
  }

  void backward(Subject& s, Probe* probe = nullptr) {
    s.layer->backward(call_of(s, probe), tensors_.weights, {tensors_.x, {}, nullptr},
                      tensors_.d_out, {tensors_.d_x, {}, tensors_.gradients});
  }

  /// Kernels are loaded then, those that subjects share by the first of them, so one subject and
  /// preset a run tells.
  void time_first_calls() {
    for (Subject& s : subjects_) {
      s.first_s = seconds_of([&] {
        forward(s);
        backward(s);
        device_.synchronize();
      });
    }
  }

  void time_round(bool counts) {
    for (std::size_t i = 0; i < gemms_.size(); ++i) {
      const double seconds = device_.time(gemms_[i]);
      if (counts) gemm_s_[i].push_back(seconds);
    }
    for (Subject& s : subjects_) {
      const double f = device_.time([&] { forward(s); });
      const double b = device_.time([&] { backward(s); });
      if (!counts) continue;
      s.fwd_s.push_back(f);
      s.bwd_s.push_back(b);
    }
  }

  void time_steps() {
    const auto stream = static_cast<cudaStream_t>(device_.stream().native);
    for (Subject& s : subjects_) {
      EventProbe f(stream), b(stream);
      device_.time([&] { forward(s, &f); });
      device_.time([&] { backward(s, &b); });
      f.collect(s.step_s);
      b.collect(s.step_s);
    }
  }

  /// Passes one after another, as in training, so few that the launch queue holds them.
  void time_host() {
    constexpr int kPassesInARow = 8;
    for (Subject& s : subjects_) {
      for (int pass = 0; pass < kPassesInARow; ++pass) {
        s.fwd_host_s.push_back(seconds_of([&] { forward(s); }));
        s.bwd_host_s.push_back(seconds_of([&] { backward(s); }));
      }
      device_.synchronize();
      for (int pass = 0; pass < kPassesInARow; ++pass) {
        forward(s, &s.step_host);
        backward(s, &s.step_host);
      }
      device_.synchronize();
    }
  }

  Device& device_;
  LayerConfig config_;
  std::int64_t tokens_;
  Tensors tensors_;
  DenseBound dense_;
  std::vector<std::function<void()>> gemms_;
  std::vector<std::vector<double>> gemm_s_;
  std::vector<Subject> subjects_;
  std::optional<DeviceBuffer> memory_;  // of all subjects in turn
};

void bench(Device& device, const std::string& preset, int rounds,
           const std::vector<std::string>& names, std::int64_t tokens_override) {
  const ModelConfig model = config::load_config(preset);
  LayerConfig c = model.layer;
  c.dtype = DType::bf16;
  c.shared = {};
  LayerBench layers(device, c, tokens_override > 0 ? tokens_override : model.tokens(), names);
  layers.run(rounds);
  layers.print(preset);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 0;
  if (argc < 4 || rounds < 1) {
    std::fprintf(stderr,
                 "usage: layer_bench PRESETS ROUNDS VARIANTS [TOKENS], at least one round\n");
    return 2;
  }
  const auto gpus = devices(DeviceKind::cuda);
  if (gpus.empty()) return std::printf("no GPU\n"), 3;
  std::printf("%s\n", gpus.front()->traits().name.c_str());
  int status = 0;
  for (const std::string& preset : split(argv[1])) {
    try {
      bench(*gpus.front(), preset, rounds, split(argv[3]), argc > 4 ? std::atoll(argv[4]) : 0);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "layer_bench: %s: %s\n", preset.c_str(), error.what());
      status = 1;
    }
  }
  return status;
}
