// CLI11's refusals in the words of this suite.
#pragma once

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace moe::programs {

/// `app` is the subcommand whose flags were parsed. Throws Error{usage}: what is wrong, the nearest
/// known flag for an unknown one, and where help is.
[[noreturn]] void rethrow_as_usage(const CLI::App& app, const CLI::ParseError& error);

}  // namespace moe::programs
