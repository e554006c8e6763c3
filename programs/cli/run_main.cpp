// The only place where a program catches.
#include "cli/run_main.h"

#include <algorithm>
#include <iostream>
#include <new>

#include "moe/error.h"

namespace moe::programs {
namespace {

int report(ErrorKind kind, const std::string& text) {
  std::cerr << "error: " << text << '\n';
  return exit_code(kind);
}

void require_written_screen() {
  if (std::cout.flush()) return;
  throw Error(ErrorKind::output, "stdout could not be written", "its disk may be full",
              "give it room; saved files are not concerned");
}

}  // namespace

int run_main(int argc, char** argv, Program program) {
  try {
    const int code = program({argv + std::min(argc, 1), argv + argc});
    if (code == 0) require_written_screen();
    return code;
  } catch (const Error& error) {
    return report(error.kind(), error.what());
  } catch (const std::bad_alloc&) {
    return report(ErrorKind::out_of_memory,
                  "out of host memory\n  use fewer tokens or a smaller configuration");
  } catch (const std::exception& error) {
    return report(ErrorKind::internal,
                  std::string(error.what()) + " (a defect of this program; please report it)");
  }
}

}  // namespace moe::programs
