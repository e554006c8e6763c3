// The gnuplot program, run as a child process. Plots are made from two files that stay on disk, a
// script and its data, so that users can restyle them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace moe::report {

/// Text as a gnuplot string: single quotes (nothing is expanded in them), no control characters.
std::string quoted(const std::string& text);

/// Runs `gnuplot script` inside `folder`, without a shell and without the user's settings. The
/// script draws to the name in its variable `picture`; a whole picture replaces an older one at
/// once. Returns why `picture` (a path relative to `folder`) was not drawn: gnuplot is missing, it
/// failed, the file is absent or empty. Nothing when all is well.
std::optional<std::string> run_gnuplot(const std::filesystem::path& folder,
                                       const std::string& script, const std::string& picture);

}  // namespace moe::report
