// "Did you mean": the known name that a misspelt one most resembles, and the sentence that says so.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace moe::config {

/// The name of `known` that is fewest edits away (insert, delete, replace, swap neighbours; case
/// does not count), the first of equals. When all are further than 1 + length / 4 edits: the first
/// that begins with `wrong`, if that is 3 letters or more. Else empty.
std::string nearest_name(std::string_view wrong, const std::vector<std::string>& known);

/// "unknown NOUN 'WRONG'. Did you mean 'NEAREST'?", without the question when nothing is near.
std::string unknown_name(std::string_view noun, std::string_view wrong,
                         const std::vector<std::string>& known);

/// "a, b, c".
std::string listed(const std::vector<std::string>& names);

/// ASCII lower case; names are compared this way.
std::string lower_case(std::string_view text);

}  // namespace moe::config
