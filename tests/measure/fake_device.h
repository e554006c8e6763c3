// The CPU with planted properties: little memory, a count of what is allocated, results that get
// damaged.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "support/bench.h"

namespace moe::measure {

class FakeDevice final : public Device {
 public:
  std::optional<std::size_t> pretended_free_bytes;
  bool pretends_own_memory = false;  // as a GPU: the harness must copy what it reads
  std::size_t allocated_bytes = 0, most_allocated_bytes = 0;
  /// Sees everything that is copied to the host: which variant's check (from 1; 0 = before any),
  /// and which of its arrays (from 0: logits, expert_offsets, row_tokens, ...).
  std::function<void(int variant, int array, void* host, std::size_t bytes)> damage;
  std::function<void()> before_timing;
  /// Batched products by plain loops, and how many were asked for.
  bool pretends_batched_products = false;
  int products = 0;
  /// Graphs that call again what they captured; a spoilt one forgets to.
  bool pretends_graphs = false, spoils_graphs = false;
  int replays = 0;
  /// What a management library would say, one answer after the other, the last for ever.
  std::vector<DeviceConditions> pretended_conditions;
  std::vector<std::string> ranges;  // every range begun; "!" where profiling was switched

  DeviceId id() const override { return cpu_.id(); }
  const DeviceTraits& traits() const override { return cpu_.traits(); }
  bool memory_is_host() const override { return !pretends_own_memory; }
  std::size_t free_bytes() const override {
    return pretended_free_bytes.value_or(cpu_.free_bytes());
  }

  Memory allocate(std::size_t bytes) override {
    allocated_bytes += bytes;
    most_allocated_bytes = std::max(most_allocated_bytes, allocated_bytes);
    return cpu_.allocate(bytes);
  }
  void release(Memory memory) noexcept override {
    allocated_bytes -= memory.bytes;
    cpu_.release(memory);
  }
  void copy_to_host(void* host, const void* device, std::size_t bytes) override {
    cpu_.copy_to_host(host, device, bytes);
    if (damage) damage(variants_checked_, arrays_copied_++, host, bytes);
  }
  void copy_from_host(void* device, const void* host, std::size_t bytes) override {
    cpu_.copy_from_host(device, host, bytes);
  }
  void fill_bytes(Memory memory, unsigned char value) override { cpu_.fill_bytes(memory, value); }
  void fill_normal(TensorView tensor, std::uint64_t seed, std::uint32_t sequence,
                   float deviation) override {
    cpu_.fill_normal(tensor, seed, sequence, deviation);
  }
  NotFinite find_not_finite(TensorView tensor) override { return cpu_.find_not_finite(tensor); }

  bool has_batched_products() const override { return pretends_batched_products; }
  void multiply(const BatchedProduct& p) override {
    ++products;
    for (std::int64_t i = 0; i < p.batch * p.m * p.n; ++i) {
      const std::int64_t matrix = i / (p.m * p.n), row = i / p.n % p.m, column = i % p.n;
      const float* a = static_cast<const float*>(p.a) + matrix * p.m * p.k;
      const float* b = static_cast<const float*>(p.b) + matrix * p.k * p.n;
      double sum = 0;
      for (std::int64_t k = 0; k < p.k; ++k) {
        sum += static_cast<double>(p.transposed_a ? a[k * p.m + row] : a[row * p.k + k]) *
               (p.transposed_b ? b[column * p.k + k] : b[k * p.n + column]);
      }
      static_cast<float*>(p.c)[i] = static_cast<float>(sum);
    }
  }

  Stream stream() override { return cpu_.stream(); }
  void synchronize() override {  // once per check
    ++variants_checked_;
    arrays_copied_ = 0;
  }
  double time(const std::function<void()>& work) override {
    if (before_timing) before_timing();
    return cpu_.time(work);
  }
  std::unique_ptr<Stopwatch> make_stopwatch() override { return cpu_.make_stopwatch(); }
  std::unique_ptr<Graph> capture(const std::function<void()>& work) override {
    if (!pretends_graphs) return nullptr;
    return std::make_unique<FakeGraph>(*this, work);
  }
  std::optional<DeviceConditions> conditions() override {
    if (pretended_conditions.empty()) return {};
    const DeviceConditions now = pretended_conditions.front();
    if (pretended_conditions.size() > 1) pretended_conditions.erase(pretended_conditions.begin());
    return now;
  }
  void begin_range(std::string_view name) override { ranges.emplace_back(name); }
  void set_profiling(bool) override { ranges.emplace_back("!"); }
  Ceilings measure_ceilings(DType) override { return {1e9, 1e9}; }

 private:
  class FakeGraph final : public Graph {
   public:
    FakeGraph(FakeDevice& device, std::function<void()> work)
        : device_(device), work_(std::move(work)) {}
    void replay() override {
      ++device_.replays;
      if (!device_.spoils_graphs) work_();
    }

   private:
    FakeDevice& device_;
    std::function<void()> work_;
  };

  Device& cpu_ = tests::cpu();
  int variants_checked_ = 0, arrays_copied_ = 0;
};

}  // namespace moe::measure
