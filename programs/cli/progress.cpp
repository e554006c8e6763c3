// Terminal output and signals.
#include "cli/progress.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <iostream>

namespace moe::programs {
namespace {

volatile sig_atomic_t caught_signal = 0;

void remember(int number) {
  caught_signal = number;
}

/// A stack for signal handlers of the calling thread. oneDNN's generated products borrow the stack
/// pointer as one more register: a handler's frame would land in their data, wherever that lies.
void use_own_signal_stack() {
  static std::array<char, 1 << 16> memory;
  stack_t stack = {};
  stack.ss_sp = memory.data();
  stack.ss_size = memory.size();
  sigaltstack(&stack, nullptr);
}

}  // namespace

Progress::Progress(bool quiet) : quiet_(quiet), is_terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::status(const std::string& text) {
  if (quiet_) return;
  if (is_terminal_) {
    std::cerr << "\r\x1b[K" << text << std::flush;
    has_status_ = true;
  } else {
    std::cerr << text << '\n';
  }
}

void Progress::line(const std::string& text) {
  if (quiet_) return;
  clear();
  std::cerr << text << '\n';
}

void Progress::clear() {
  if (has_status_) std::cerr << "\r\x1b[K" << std::flush;
  has_status_ = false;
}

void catch_interrupts() {
  use_own_signal_stack();
  struct sigaction action = {};
  action.sa_handler = remember;
  // The second signal has its default effect.
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_ONSTACK);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int interrupt_signal() {
  return caught_signal;
}

}  // namespace moe::programs
