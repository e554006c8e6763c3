// Published tables of throughput, latency, memory and cost, held against themselves and physics.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/toml_table.h"

namespace moe::model {

enum class Verdict {
  consistent,     // follows from the entry before it
  plausible,      // nothing speaks against this reading
  contradiction,  // does not follow from another entry of the same table
  impossible,     // needs more than the datasheet of the hardware allows
};

constexpr std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::consistent: return "consistent";
    case Verdict::plausible: return "plausible";
    case Verdict::contradiction: return "CONTRADICTION";
    case Verdict::impossible: return "IMPOSSIBLE";
  }
  return "?";
}

struct Finding {
  std::string table, column;  // whose entry it is
  std::string entry;          // "tokens/s -> tokens/day"
  Verdict verdict = Verdict::consistent;
  std::string text;  // the arithmetic, in a sentence
};

struct TableCheck {
  std::string title, source;
  std::vector<Finding> findings;  // in the order of the file

  bool has_contradictions() const;  // or impossibilities
};

/// The tables of a file (docs/cli.md has its keys). Throws Error{usage} for a file that is not one.
TableCheck check_table(const config::TomlTable& root);

}  // namespace moe::model
