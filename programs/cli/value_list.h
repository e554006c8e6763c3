// Several values of one flag, written as people write them.
#pragma once

#include <string>
#include <vector>

namespace moe::programs {

/// "1024", "1024,2048", "1024:65536:*2" (times 2 while not above 65536), "64:512:+64", and lists of
/// these, to numbers as plain text in the order given. `flag` stands in messages. Throws
/// Error{usage}.
std::vector<std::string> numbers_of(const std::string& flag, const std::string& text);

/// "fp32,bf16" to its words. Throws Error{usage} for an empty one.
std::vector<std::string> words_of(const std::string& flag, const std::string& text);

}  // namespace moe::programs
