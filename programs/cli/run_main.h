// What every main() does around its program: errors become one block on stderr and an exit code.
#pragma once

#include <string>
#include <vector>

namespace moe::programs {

/// A program: the arguments behind its name in, the exit code out. Throws Error.
using Program = int (*)(const std::vector<std::string>& arguments);

/// Runs it and returns what main() returns: its exit code, or that of the error that it threw.
/// A screen that could not be written, as on a full disk, is an error too.
int run_main(int argc, char** argv, Program program);

}  // namespace moe::programs
