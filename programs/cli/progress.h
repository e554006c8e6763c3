// Progress on stderr: one line that rewrites itself on a terminal, plain lines elsewhere.
#pragma once

#include <string>

namespace moe::programs {

class Progress {
 public:
  explicit Progress(bool quiet);
  ~Progress() { clear(); }

  /// What is being done now; replaces the last one on a terminal.
  void status(const std::string& text);
  /// A line that stays.
  void line(const std::string& text);
  void clear();

 private:
  bool quiet_, is_terminal_, has_status_ = false;
};

/// SIGINT and SIGTERM end the run after the sample at work; a second one ends the program at once.
/// To be called by the main thread, to which the system gives signals of the process.
void catch_interrupts();
/// 0, or the signal that came.
int interrupt_signal();

}  // namespace moe::programs
