// One function per kind of table; each turns entries into findings.
#include "model/published/table_check.h"

#include <algorithm>
#include <cmath>

#include "model/published/table_rules.h"

namespace moe::model {

bool TableCheck::has_contradictions() const {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.verdict == Verdict::contradiction || finding.verdict == Verdict::impossible;
  });
}

TableCheck check_table(const config::TomlTable& root) {
  TableCheck check;
  check.title = root.text("title");
  check.source = root.text_or("source", "");
  for (const config::TomlTable& table : root.tables("throughput")) {
    check_throughput(table, check.findings);
  }
  for (const config::TomlTable& table : root.tables("latency")) {
    check_latency(table, check.findings);
  }
  for (const config::TomlTable& table : root.tables("memory")) {
    check_memory(table, check.findings);
  }
  root.refuse_unknown_keys();
  if (check.findings.empty()) {
    throw root.error("no table to check", "give [[throughput]], [[latency]] or [[memory]]");
  }
  return check;
}

}  // namespace moe::model
