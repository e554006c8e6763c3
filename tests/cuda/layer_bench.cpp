// Whole layers beside their dense bound, and the time of every step: for the author of a kernel.
//
//   layer_bench PRESET[,PRESET...] ROUNDS VARIANT[,VARIANT...] [TOKENS]
//
// The dense bound is each expert GEMM alone as one cuBLAS batched product of equal sizes. All of it
// runs interleaved with a cold L2; medians are printed.
#include <cublas_v2.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <sstream>
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
  void begin(std::string_view step) override { mark(step); }
  void end(std::string_view) override {
    events_.push_back(std::make_unique<cuda::Event>());
    events_.back()->record(stream_);
  }
  void collect(std::map<std::string, std::vector<double>>& times) {
    events_.back()->synchronize();
    for (std::size_t i = 0; i + 1 < events_.size(); i += 2) {
      times[names_[i / 2]].push_back(events_[i + 1]->seconds_since(*events_[i]));
    }
    events_.clear();
    names_.clear();
  }
  const std::vector<std::string>& order() const { return names_; }

 private:
  void mark(std::string_view step) {
    names_.emplace_back(step);
    events_.push_back(std::make_unique<cuda::Event>());
    events_.back()->record(stream_);
  }
  cudaStream_t stream_;
  std::vector<std::unique_ptr<cuda::Event>> events_;
  std::vector<std::string> names_;
};

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
};

void bench(Device& device, const std::string& preset, int rounds,
           const std::vector<std::string>& names, std::int64_t tokens_override) {
  ModelConfig model = config::load_config(preset);
  LayerConfig c = model.layer;
  c.dtype = DType::bf16;
  c.shared = {};
  const std::int64_t T = tokens_override > 0 ? tokens_override : model.tokens();
  const auto stream = static_cast<cudaStream_t>(device.stream().native);
  Tensors t = make_tensors(device, c, T);
  DenseBound dense(device, c, T, t);
  std::vector<Subject> subjects;
  std::size_t region = 0;
  for (const std::string& name : names) {
    const Variant* v = find_variant(DeviceKind::cuda, name);
    Plan plan = v->plan(measure::make_request(c, T, true), device.traits());
    region = std::max(region, plan.saved_bytes + plan.workspace_bytes);
    auto layer = v->make_layer(plan, device.id());
    subjects.push_back({name, std::move(plan), std::move(layer)});
  }
  DeviceBuffer memory(device, region);
  device.synchronize();
  const auto call_of = [&](const Subject& s, Probe* probe) {
    return Call{device.stream(),
                {memory.data(), s.plan.saved_bytes},
                {memory.data() + s.plan.saved_bytes, s.plan.workspace_bytes},
                probe};
  };
  const Inputs inputs{t.x, {}, nullptr};
  const auto forward = [&](Subject& s, Probe* probe) {
    s.layer->forward(call_of(s, probe), t.weights, inputs, {t.out, {}});
  };
  const auto backward = [&](Subject& s, Probe* probe) {
    s.layer->backward(call_of(s, probe), t.weights, inputs, t.d_out, {t.d_x, {}, t.gradients});
  };
  std::vector<std::function<void()>> gemms = dense.works();
  std::vector<std::vector<double>> gemm_s(6);
  std::vector<std::vector<double>> fwd(subjects.size()), bwd(subjects.size()),
      host(subjects.size());
  std::vector<std::map<std::string, std::vector<double>>> steps(subjects.size());
  std::vector<std::string> step_order;
  // Of both passes: kernels are loaded then, those that subjects share by the first of them, so one
  // subject and preset a run tells.
  std::vector<double> first_s;
  for (Subject& subject : subjects) {
    const auto begin = std::chrono::steady_clock::now();
    forward(subject, nullptr);
    backward(subject, nullptr);
    device.synchronize();
    first_s.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  for (int round = -2; round < rounds; ++round) {
    for (int i = 0; i < 6; ++i) {
      const double s = device.time(gemms[i]);
      if (round >= 0) gemm_s[i].push_back(s);
    }
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      const double f = device.time([&] { forward(subjects[i], nullptr); });
      const auto h0 = std::chrono::steady_clock::now();
      double h = 0;
      const double b = device.time([&] {
        const auto h1 = std::chrono::steady_clock::now();
        backward(subjects[i], nullptr);
        h = std::chrono::duration<double>(std::chrono::steady_clock::now() - h1).count();
      });
      (void)h0;
      if (round < 0) continue;
      fwd[i].push_back(f);
      bwd[i].push_back(b);
      host[i].push_back(h);
    }
  }
  const int probed = std::min(rounds, 5);
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    for (int round = 0; round < probed; ++round) {
      EventProbe f(stream), b(stream);
      device.time([&] { forward(subjects[i], &f); });
      device.time([&] { backward(subjects[i], &b); });
      if (i == 0 && round == 0) {
        step_order = f.order();
        step_order.insert(step_order.end(), b.order().begin(), b.order().end());
      }
      f.collect(steps[i]);
      b.collect(steps[i]);
    }
  }
  const double work = 6.0 * double(T) * c.top_k * c.hidden_dim * c.ffn_dim;
  double dense_f = median(gemm_s[0]) + median(gemm_s[1]), dense_b = 0;
  for (int i = 2; i < 6; ++i) dense_b += median(gemm_s[i]);
  std::printf(
      "%-17s dense %.3f ms %4.0f | %.3f ms %4.0f TF   up %.3f down %.3f d_a %.3f d_x %.3f dWd %.3f "
      "dWu %.3f\n",
      preset.c_str(), dense_f * 1e3, work / dense_f / 1e12, dense_b * 1e3,
      2 * work / dense_b / 1e12, median(gemm_s[0]) * 1e3, median(gemm_s[1]) * 1e3,
      median(gemm_s[2]) * 1e3, median(gemm_s[3]) * 1e3, median(gemm_s[4]) * 1e3,
      median(gemm_s[5]) * 1e3);
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    const double f = median(fwd[i]), b = median(bwd[i]);
    std::printf(
        "  %-15s fwd %.3f ms %4.0f TF %5.1f %% | bwd %.3f ms %4.0f TF %5.1f %% | host %.0f us, "
        "first "
        "call of both %.0f ms\n   ",
        subjects[i].name.c_str(), f * 1e3, work / f / 1e12, 100 * dense_f / f, b * 1e3,
        2 * work / b / 1e12, 100 * dense_b / b, median(host[i]) * 1e6, first_s[i] * 1e3);
    for (const auto& [name, values] : steps[i])
      std::printf(" %s %.3f", name.c_str(), median(values) * 1e3);
    std::printf("\n");
  }
  std::fflush(stdout);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return std::printf("usage: layer_bench PRESETS ROUNDS VARIANTS [TOKENS]\n"), 2;
  const auto gpus = devices(DeviceKind::cuda);
  if (gpus.empty()) return std::printf("no GPU\n"), 3;
  std::printf("%s\n", gpus.front()->traits().name.c_str());
  for (const std::string& preset : split(argv[1])) {
    try {
      bench(*gpus.front(), preset, std::atoi(argv[2]), split(argv[3]),
            argc > 4 ? std::atoll(argv[4]) : 0);
    } catch (const std::exception& error) {
      std::printf("%s: %s\n", preset.c_str(), error.what());
    }
  }
  return 0;
}
