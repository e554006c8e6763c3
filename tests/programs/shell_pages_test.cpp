// What completion and manual of every program must hold: all of its commands and flags, in a form
// that shells and readers accept. Built once for each program.
#include <gmock/gmock.h>

#include "programs/shell_fixture.h"

namespace moe::programs {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsSubsetOf;
using testing::Not;

TEST_F(Shell, HelpNamesEveryCommand) {
  EXPECT_THAT(commands(), Contains("run"));
  EXPECT_THAT(commands(), Contains("completion"));
  EXPECT_THAT(commands(), Contains("man"));
}

TEST_F(Shell, BashOffersEveryCommandAndFlag) {
  EXPECT_THAT(commands(), IsSubsetOf(offered({""})));
  const std::vector<std::string> flags = flags_of("run");
  EXPECT_GT(flags.size(), 25u);
  EXPECT_THAT(flags, IsSubsetOf(offered({"--"}))) << "run may be left out";
  for (const std::string& command : commands()) {
    EXPECT_THAT(flags_of(command), IsSubsetOf(offered({command, "--"}))) << command;
  }
  EXPECT_THAT(offered({"man", "--"}), Not(Contains("--tokens")));
}

TEST_F(Shell, DocumentationNamesEveryCommandAndFlag) {
  const std::string page = text_of(std::filesystem::path(MOE_DOCS) / "cli.md");
  for (const std::string& command : commands()) {
    const std::string shown = command == "run" ? "[run]" : command;
    EXPECT_THAT(page, HasSubstr("\n" + program_name() + " " + shown));
    for (const std::string& flag : flags_of(command)) {
      EXPECT_TRUE(std::regex_search(page, std::regex("`" + flag + "[ `]")) || flag == "--help")
          << command << " " << flag;
    }
  }
}

TEST_F(Shell, ZshGetsAValidSpecificationOfEveryFlag) {
  if (!has_program("zsh")) GTEST_SKIP() << "no zsh here";
  write_text(file("completion"), run({"completion", "zsh"}).out);
  EXPECT_EQ(output_of("zsh -n completion"), "");
  const std::string run_flags = specified("--tokens x", 3);
  for (const std::string& flag : flags_of("run"))
    EXPECT_THAT(run_flags, HasSubstr("\n" + flag + "["));
  const std::string described = specified("c", 2);
  for (const std::string& command : commands()) {
    EXPECT_THAT("\n" + described, HasSubstr("\n" + command + ":"));
  }
}

TEST_F(Shell, AnUnknownShellIsRefused) {
  const Outcome outcome = run({"completion", "bach"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("Did you mean 'bash'?"));
}

TEST_F(Shell, TheManualNamesEveryCommandAndFlag) {
  const std::string page = run({"man"}).out;
  std::string title = program_name();
  for (char& letter : title) letter = static_cast<char>(std::toupper(letter));
  EXPECT_EQ(page.find(".TH " + title + " 1 "), 0u);
  EXPECT_THAT(page, HasSubstr("\n.SH NAME\n" + program_name() + " \\- "));
  EXPECT_THAT(page, HasSubstr("\n.SH EXIT STATUS\n"));
  EXPECT_THAT(page, HasSubstr("\n\\fB\\-\\-top\\-k\\fR \\fI"));
  for (const std::string& command : commands()) {
    const std::string escaped = std::regex_replace(command, std::regex("-"), "\\-");
    EXPECT_THAT(page, HasSubstr("\n\\fB" + escaped + "\\fR\n"));
    for (std::string flag : flags_of(command)) {
      flag = std::regex_replace(flag, std::regex("-"), "\\-");
      EXPECT_THAT(page, HasSubstr("\\fB" + flag + "\\fR")) << command;
    }
  }
}

TEST_F(Shell, TheManualIsCleanTroff) {
  write_text(file("page.1"), run({"man"}).out);
  const bool have_groff = has_program("groff"), have_mandoc = has_program("mandoc");
  if (!have_groff && !have_mandoc) GTEST_SKIP() << "neither groff nor mandoc here";
  if (have_groff) {
    EXPECT_EQ(output_of("groff -man -Tutf8 -ww -z page.1"), "");
  }
  if (have_mandoc) {
    EXPECT_EQ(output_of("mandoc -T lint -W error page.1"), "");
  }
}

TEST_F(Shell, AScreenThatCannotBeWrittenIsAnError) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  EXPECT_THAT(output_of(std::string(BENCH_PROGRAM) + " man >/dev/full; echo code $?"),
              testing::AllOf(HasSubstr("error: stdout could not be written"), HasSubstr("code 6")));
}

}  // namespace
}  // namespace moe::programs
