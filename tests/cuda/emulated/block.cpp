#include "block.h"

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace moe::emulated {
namespace {

constexpr std::size_t kStackBytes = 128 << 10;
constexpr unsigned kLanes = 32;
constexpr unsigned kTeamSizes = 6;  // 1, 2, 4 .. 32 lanes

/// Where threads wait until all that still run have come; then it is the next generation.
struct Gate {
  unsigned expected = 0, arrived = 0, generation = 0;

  void open_if_complete() {
    if (arrived < expected) return;
    arrived = 0;
    ++generation;
  }
};

struct Warp {
  Gate gates[kTeamSizes][kLanes];  // of teams by size and number
  /// What lanes gave, in turns: nobody is two generations ahead of a lane that still reads.
  std::uint64_t words[kTeamSizes][2][kLanes];
};

struct Fiber {
  std::unique_ptr<std::byte[]> stack = std::make_unique<std::byte[]>(kStackBytes);
  jmp_buf at;
  bool has_begun = false, is_done = false;
  const Gate* gate = nullptr;  // where it waits
  unsigned generation = 0;     // for the end of which

  bool can_run() const { return !is_done && (gate == nullptr || gate->generation != generation); }
};

std::vector<Fiber> fibers;
std::vector<Warp> warps;
Gate block_gate;
const std::function<void()>* body;
jmp_buf scheduler;
unsigned running;

Gate& team_gate(unsigned thread, unsigned kind) {
  return warps[thread / kLanes].gates[kind][thread % kLanes >> kind];
}

void switch_to_scheduler() {
  if (_setjmp(fibers[running].at) == 0) _longjmp(scheduler, 1);
}

void wait_at(Gate& gate) {
  fibers[running].gate = &gate;
  fibers[running].generation = gate.generation;
  ++gate.arrived;
  gate.open_if_complete();
  if (!fibers[running].can_run()) switch_to_scheduler();
}

void leave(Gate& gate) {
  --gate.expected;
  if (gate.expected > 0) gate.open_if_complete();
}

/// Of every fiber: one block after another.
void live() {
  for (;;) {
    (*body)();
    fibers[running].is_done = true;
    leave(block_gate);
    for (unsigned kind = 0; kind < kTeamSizes; ++kind) leave(team_gate(running, kind));
    switch_to_scheduler();
  }
}

void begin(Fiber& fiber) {
  fiber.has_begun = true;
  ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = fiber.stack.get();
  context.uc_stack.ss_size = kStackBytes;
  context.uc_link = nullptr;
  makecontext(&context, live, 0);
  setcontext(&context);
}

void resume(unsigned thread) {
  running = thread;
  threadIdx = {thread, 0, 0};
  if (_setjmp(scheduler) != 0) return;
  if (!fibers[thread].has_begun) begin(fibers[thread]);
  _longjmp(fibers[thread].at, 1);
}

[[noreturn]] void give_up(unsigned threads) {
  std::fprintf(stderr, "block %u, %u: threads wait for each other for ever:", blockIdx.x,
               blockIdx.y);
  for (unsigned t = 0; t < threads; ++t) {
    if (fibers[t].is_done) continue;
    std::fprintf(stderr, " %u%s", t, fibers[t].gate == &block_gate ? " (block)" : " (warp)");
  }
  std::fprintf(stderr, "\n");
  std::abort();
}

/// As many threads as a block has, all before their first instruction.
void set_up(unsigned threads) {
  if (fibers.size() < threads) fibers.resize(threads);
  warps.assign((threads + kLanes - 1) / kLanes, Warp{});
  block_gate = {.expected = threads};
  for (unsigned t = 0; t < threads; ++t) {
    fibers[t].is_done = false;
    fibers[t].gate = nullptr;
    for (unsigned kind = 0; kind < kTeamSizes; ++kind) ++team_gate(t, kind).expected;
  }
}

}  // namespace

void run_block(dim3 grid, uint3 index, unsigned threads, const std::function<void()>& thread_body) {
  gridDim = grid;
  blockIdx = index;
  blockDim = dim3(threads);
  body = &thread_body;
  set_up(threads);
  for (unsigned left = threads; left > 0;) {
    bool has_moved = false;
    for (unsigned i = 0; i < threads; ++i) {
      const unsigned t = index.x % 2 == 0 ? i : threads - 1 - i;  // no order may be relied on
      if (!fibers[t].can_run()) continue;
      resume(t);
      has_moved = true;
      if (fibers[t].is_done) --left;
    }
    if (!has_moved) give_up(threads);
  }
}

void block_barrier() {
  wait_at(block_gate);
}

const std::uint64_t* exchange(unsigned mask, std::uint64_t own) {
  const unsigned size = std::popcount(mask), first = std::countr_zero(mask);
  if (!std::has_single_bit(size) || first % size != 0 || mask >> first != ~0u >> (kLanes - size)) {
    std::fprintf(stderr, "mask %08x is no aligned team of lanes\n", mask);
    std::abort();
  }
  const unsigned kind = std::countr_zero(size);
  Gate& gate = team_gate(running, kind);
  std::uint64_t* words = warps[running / kLanes].words[kind][gate.generation % 2];
  words[running % kLanes] = own;
  wait_at(gate);
  return words;
}

}  // namespace moe::emulated
