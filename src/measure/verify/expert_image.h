// Tensors by expert, w_up [E, u, d] and w_down [E, d, n], on the host, of which only the experts in
// use are there: 21 GB of weights are looked at a few experts at a time. The whole tensor has
// addresses, so that views and indices are those of the real one; untouched pages cost nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "moe/config.h"
#include "moe/layer.h"
#include "truth/problem.h"

namespace moe::measure {

/// Address space of the host without memory behind it; written pages are zero before and take
/// memory from then on.
class HostReservation {
 public:
  HostReservation() = default;
  /// Throws Error{out_of_memory}.
  explicit HostReservation(std::size_t bytes);
  ~HostReservation();
  HostReservation(HostReservation&& other) noexcept;
  HostReservation& operator=(HostReservation&& other) noexcept;

  std::byte* data() const { return data_; }
  /// Gives the memory of whole pages inside [begin, begin + bytes) back.
  void drop(std::byte* begin, std::size_t bytes) const;

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

class ExpertImage final : public truth::ExpertSource {
 public:
  /// Writes one expert's elements of both tensors: views of w_up[e] [u, d] and w_down[e] [d, n],
  /// with the index of their first element in the whole tensor.
  struct Part {
    TensorView view;
    std::int64_t first = 0;
  };
  using Fill = std::function<void(const Part& up, const Part& down)>;

  ExpertImage(const LayerConfig& config, Fill fill);

  TensorView up() const { return up_; }
  TensorView down() const { return down_; }

  /// From any thread. An expert is there from the first acquire() to the last release().
  void acquire(std::int64_t expert) override;
  void release(std::int64_t expert) override;

 private:
  struct State {
    std::mutex mutex;
    int users = 0;
  };
  Part part_of(TensorView tensor, std::int64_t expert) const;

  Fill fill_;
  HostReservation up_memory_, down_memory_;
  TensorView up_, down_;
  std::unique_ptr<State[]> states_;  // [E]
};

}  // namespace moe::measure
