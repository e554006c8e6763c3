// mbarrier: barriers in shared memory that count arrivals and bytes. PTX ISA, "mbarrier".
// `parity` is the phase being waited for: 0 for the first completion, then alternating.
#pragma once

#include <cstdint>

namespace moe::cuda::ptx {

using Mbarrier = std::uint64_t;

__device__ __forceinline__ std::uint32_t shared_address(const void* pointer) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

__device__ __forceinline__ void mbarrier_init(Mbarrier* barrier, std::uint32_t arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)),
               "r"(arrivals));
}

/// One arrival that also announces bytes that the copy engine will bring.
__device__ __forceinline__ void mbarrier_arrive_expect(Mbarrier* barrier, std::uint32_t bytes) {
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)),
      "r"(bytes)
      : "memory");
}

__device__ __forceinline__ void mbarrier_arrive(Mbarrier* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier))
               : "memory");
}

/// Arrival on the barrier at the same place in another CTA of the cluster. It orders the readers of
/// a stage before the copy engine that refills it; wgmma reads are complete when it is issued. (Not
/// .release.cluster: that makes every arrival a memory barrier, 2 to 4 us on an H200.)
__device__ __forceinline__ void mbarrier_arrive_remote(Mbarrier* barrier, std::uint32_t cta_rank) {
  asm volatile(
      "{\n"
      ".reg .b32 remote;\n"
      "mapa.shared::cluster.u32 remote, %0, %1;\n"
      "mbarrier.arrive.shared::cluster.b64 _, [remote];\n"
      "}" ::"r"(shared_address(barrier)),
      "r"(cta_rank)
      : "memory");
}

__device__ __forceinline__ void mbarrier_wait(Mbarrier* barrier, std::uint32_t parity) {
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "retry_%=:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@done bra finished_%=;\n"
      "bra retry_%=;\n"
      "finished_%=:\n"
      "}" ::"r"(shared_address(barrier)),
      "r"(parity)
      : "memory");
}

}  // namespace moe::cuda::ptx
