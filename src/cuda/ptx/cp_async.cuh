// cp.async: 16-byte copies from device to shared memory that complete on an mbarrier. PTX ISA,
// "cp.async".
#pragma once

#include <cstdint>

#include "cuda/ptx/mbarrier.cuh"

namespace moe::cuda::ptx {

/// Copies 16 bytes, or writes zeros and reads nothing when `valid` is false. Bypasses L1.
__device__ __forceinline__ void cp_async_16(std::uint32_t shared, const void* global, bool valid) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(shared), "l"(global),
               "r"(valid ? 16 : 0)
               : "memory");
}

/// One arrival of this thread once all its copies so far are done. It counts against the barrier's
/// arrivals.
__device__ __forceinline__ void cp_async_arrive(Mbarrier* barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(shared_address(barrier))
               : "memory");
}

}  // namespace moe::cuda::ptx
