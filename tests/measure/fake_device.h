// The CPU with planted properties: little memory, a count of what is allocated, results that get
// damaged.
#pragma once

#include <algorithm>
#include <functional>
#include <map>

#include "support/bench.h"

namespace moe::measure {

class FakeDevice final : public Device {
 public:
  std::optional<std::size_t> pretended_free_bytes;
  std::size_t allocated_bytes = 0, most_allocated_bytes = 0;
  /// Sees everything that is copied to the host: which variant's check (from 1; 0 = before any),
  /// and which of its arrays (from 0: logits, expert_offsets, row_tokens, ...).
  std::function<void(int variant, int array, void* host, std::size_t bytes)> damage;
  std::function<void()> before_timing;

  DeviceId id() const override { return cpu_.id(); }
  const DeviceTraits& traits() const override { return cpu_.traits(); }
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

  Stream stream() override { return cpu_.stream(); }
  void synchronize() override {  // once per check
    ++variants_checked_;
    arrays_copied_ = 0;
  }
  double time(const std::function<void()>& work) override {
    if (before_timing) before_timing();
    return cpu_.time(work);
  }
  Ceilings measure_ceilings(DType) override { return {1e9, 1e9}; }

 private:
  Device& cpu_ = tests::cpu();
  int variants_checked_ = 0, arrays_copied_ = 0;
};

}  // namespace moe::measure
