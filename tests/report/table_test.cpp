// One table, three forms.
#include "report/text/table.h"

#include <gtest/gtest.h>

namespace moe::report {
namespace {

TextTable sample() {
  return {
      {"name", "ms", "note"},
      {Align::left, Align::right, Align::left},
      {{"a", "1.5", "first"}, {"longer", "120.0", ""}, {"b", "FAILED (a reason that runs on)"}}};
}

TEST(Table, TextIsAlignedAndShortRowsRunOn) {
  EXPECT_EQ(to_text(sample()),
            "name       ms  note\n"
            "a         1.5  first\n"
            "longer  120.0\n"
            "b       FAILED (a reason that runs on)\n");
}

TEST(Table, WidthsCountCodePoints) {
  const TextTable table{
      {"x", "y"}, {Align::left, Align::right}, {{"\xc2\xb5s", "1"}, {"abc", "22"}}};
  EXPECT_EQ(to_text(table), "x     y\n\xc2\xb5s    1\nabc  22\n");
}

TEST(Table, MarkdownMarksAlignmentAndEscapesBars) {
  TextTable table = sample();
  table.rows[0][2] = "a|b";
  EXPECT_EQ(to_markdown(table),
            "| name | ms | note |\n"
            "|---|---:|---|\n"
            "| a | 1.5 | a\\|b |\n"
            "| longer | 120.0 |  |\n"
            "| b | FAILED (a reason that runs on) |  |\n");
}

TEST(Table, CsvQuotesWhereNeeded) {
  TextTable table = sample();
  table.rows[0][2] = "say \"a, b\"";
  EXPECT_EQ(to_csv(table),
            "name,ms,note\n"
            "a,1.5,\"say \"\"a, b\"\"\"\n"
            "longer,120.0,\n"
            "b,FAILED (a reason that runs on),\n");
}

}  // namespace
}  // namespace moe::report
