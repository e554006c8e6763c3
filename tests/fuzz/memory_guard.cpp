// Counts what operator new has out. The counter is one per process: targets use one thread.
#include <malloc.h>

#include <cstdlib>
#include <new>

#include "fuzz/fuzz.h"

namespace {

std::size_t alive_bytes = 0;
std::size_t limit_bytes = 0;  // 0 = no guard
bool counting = false;

void* counted(std::size_t size) {
  if (counting && (size > limit_bytes || alive_bytes > limit_bytes - size)) {
    counting = false;  // printing may allocate
    std::fprintf(stderr, "%zu bytes wanted with %zu in use, of %zu\n", size, alive_bytes,
                 limit_bytes);
    moe::fuzz::finding("more memory than the input's size allows");
  }
  void* block = std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) moe::fuzz::finding("out of memory");
  if (counting) alive_bytes += malloc_usable_size(block);
  return block;
}

void uncounted(void* block) {
  // What was made before the guard and is freed under it must not wrap the count.
  const std::size_t size = counting && block != nullptr ? malloc_usable_size(block) : 0;
  alive_bytes -= size < alive_bytes ? size : alive_bytes;
  std::free(block);
}

}  // namespace

void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new[](std::size_t size) {
  return counted(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return counted(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return counted(size);
}
void operator delete(void* block) noexcept {
  uncounted(block);
}
void operator delete[](void* block) noexcept {
  uncounted(block);
}
void operator delete(void* block, std::size_t) noexcept {
  uncounted(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  uncounted(block);
}

namespace moe::fuzz {

MemoryGuard::MemoryGuard(std::size_t limit) {
  alive_bytes = 0;
  limit_bytes = limit;
  counting = true;
}

MemoryGuard::~MemoryGuard() {
  counting = false;
}

}  // namespace moe::fuzz
