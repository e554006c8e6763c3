// The one exception type of the library. A kind decides the exit code of a program; the message
// says what failed, why, and what to do about it.
#pragma once

#include <stdexcept>
#include <string>

namespace moe {

enum class ErrorKind {
  check_failed,   // an output disagrees with the truth
  usage,          // bad flag, file or shape
  device,         // device missing or not able
  out_of_memory,  // device memory cannot hold the request
  regression,     // beyond a threshold that the user set
  output,         // a result could not be written
  internal,       // a broken invariant: a defect of this project
};

/// Exit code of a program that ends by an error of this kind (docs/cli.md lists them).
constexpr int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage: return 2;
    case ErrorKind::device: return 3;
    case ErrorKind::out_of_memory: return 3;
    case ErrorKind::regression: return 4;
    case ErrorKind::output: return 6;
    case ErrorKind::check_failed: return 1;
    case ErrorKind::internal: return 1;
  }
  return 1;
}

/// `what()` is the whole message: "WHAT: WHY" and, on a second line, the remedy.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& what_failed, const std::string& why = {},
        const std::string& remedy = {})
      : std::runtime_error(what_failed + (why.empty() ? "" : ": " + why) +
                           (remedy.empty() ? "" : "\n  " + remedy)),
        kind_(kind) {}

  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace moe
