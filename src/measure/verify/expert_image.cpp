// Pages of the system, and who uses which expert.
#include "measure/verify/expert_image.h"

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "moe/error.h"

namespace moe::measure {

HostReservation::HostReservation(std::size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    throw Error(ErrorKind::out_of_memory,
                "cannot reserve " + std::to_string(bytes) + " bytes of host address space",
                "the system refused (ulimit -v?)", "use fewer experts, or --check off");
  }
  data_ = static_cast<std::byte*>(data);
}

HostReservation::~HostReservation() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

HostReservation::HostReservation(HostReservation&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

HostReservation& HostReservation::operator=(HostReservation&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

void HostReservation::drop(std::byte* begin, std::size_t bytes) const {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto offset = static_cast<std::size_t>(begin - data_);
  const std::size_t first = (offset + page - 1) / page * page,
                    last = (offset + bytes) / page * page;
  if (first < last) madvise(data_ + first, last - first, MADV_DONTNEED);
}

ExpertImage::ExpertImage(const LayerConfig& config, Fill fill)
    : fill_(std::move(fill)),
      up_(nullptr, config.dtype, {config.num_experts, config.up_dim(), config.hidden_dim}),
      down_(nullptr, config.dtype, {config.num_experts, config.hidden_dim, config.ffn_dim}),
      states_(std::make_unique<State[]>(static_cast<std::size_t>(config.num_experts))) {
  up_memory_ = HostReservation(up_.bytes());
  down_memory_ = HostReservation(down_.bytes());
  up_.data = up_memory_.data();
  down_.data = down_memory_.data();
}

ExpertImage::Part ExpertImage::part_of(TensorView tensor, std::int64_t expert) const {
  const std::int64_t rows = tensor.shape[1], columns = tensor.shape[2];
  const std::int64_t first = expert * rows * columns;
  std::byte* begin =
      tensor.as<std::byte>() + first * static_cast<std::int64_t>(size_of(tensor.dtype));
  return {{begin, tensor.dtype, {rows, columns}}, first};
}

void ExpertImage::acquire(std::int64_t expert) {
  State& state = states_[static_cast<std::size_t>(expert)];
  const std::lock_guard lock(state.mutex);  // others who want this expert wait until it is there
  if (state.users++ == 0) fill_(part_of(up_, expert), part_of(down_, expert));
}

void ExpertImage::release(std::int64_t expert) {
  State& state = states_[static_cast<std::size_t>(expert)];
  const std::lock_guard lock(state.mutex);
  if (--state.users > 0) return;
  for (const auto& [tensor, memory] :
       {std::pair(up_, &up_memory_), std::pair(down_, &down_memory_)}) {
    const Part part = part_of(tensor, expert);
    memory->drop(part.view.as<std::byte>(), part.view.bytes());
  }
}

}  // namespace moe::measure
