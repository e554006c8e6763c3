// Completion in real shells and the manual in real readers, where the machine has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>
#include <set>

#include "programs/started_program.h"

namespace moe::programs {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSubsetOf;
using testing::Not;

bool has_program(const std::string& name) {
  return std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

class Shell : public ProgramTest {
 protected:
  /// What a shell command prints, errors included, in the scratch folder.
  std::string output_of(const std::string& command) const {
    const std::string to = file(".shell").string();
    const std::string all =
        "cd '" + scratch_.path().string() + "' && { " + command + "; } >'" + to + "' 2>&1";
    EXPECT_EQ(std::system(all.c_str()), 0) << command << "\n" << text_of(to);
    return text_of(to);
  }

  /// What bash offers for the last of `words`.
  std::vector<std::string> offered(const std::vector<std::string>& words) const {
    write_text(file("completion"), run({"completion", "bash"}).out);
    std::string script = ". ./completion; COMP_WORDS=(bench_moe_variants";
    for (const std::string& word : words) script += " \"" + word + "\"";
    script += "); COMP_CWORD=" + std::to_string(words.size()) +
              "; _bench_moe_variants; printf \"%s\\n\" \"${COMPREPLY[@]}\"";
    std::istringstream lines(output_of("bash -u -c '" + script + "'"));
    std::vector<std::string> found;
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty()) found.push_back(line);
    }
    return found;
  }

  /// Every long flag that the help of `command` names at the start of a line.
  std::vector<std::string> flags_of(const std::string& command) const {
    const std::string help = run({command, "--help"}).out;
    std::vector<std::string> flags;
    const std::regex pattern("\n  (?:-.,)?(--[a-z-]+)");
    for (std::sregex_iterator it(help.begin(), help.end(), pattern), end; it != end; ++it)
      flags.push_back((*it)[1]);
    return flags;
  }
};

TEST_F(Shell, BashOffersCommandsAndEveryFlag) {
  EXPECT_THAT(offered({"co"}), ElementsAre("compare", "convert", "completion"));
  EXPECT_THAT(offered({""}), Contains("run"));
  const std::vector<std::string> flags = flags_of("run");
  EXPECT_GT(flags.size(), 25u);
  EXPECT_THAT(flags, IsSubsetOf(offered({"--"}))) << "run may be left out";
  for (const char* command : {"run", "show", "plot", "compare"}) {
    EXPECT_THAT(flags_of(command), IsSubsetOf(offered({command, "--"}))) << command;
  }
  EXPECT_THAT(offered({"compare", "--"}), Not(Contains("--tokens")));
}

TEST_F(Shell, BashOffersValues) {
  EXPECT_THAT(offered({"--mode", ""}), ElementsAre("forward", "forward_backward"));
  EXPECT_THAT(offered({"run", "--check", "q"}), ElementsAre("quick"));
  EXPECT_THAT(offered({"--routing", ""}),
              ElementsAre("natural", "balanced", "zipf:", "hot:", "trace:"));
  EXPECT_THAT(offered({"--device", "c"}), ElementsAre("cpu", "cuda"));
  EXPECT_THAT(offered({"--config", "deepseek-v3"}), Contains("deepseek-v3"));
  EXPECT_THAT(offered({"--format", "=", "js"}), ElementsAre("json", "jsonl"));
  EXPECT_THAT(offered({"--variants", "vanilla,son"}),
              ElementsAre("vanilla,sonic", "vanilla,sonic+rounding"));
  EXPECT_THAT(offered({"list", "v"}), ElementsAre("variants"));
  EXPECT_THAT(offered({"completion", ""}), ElementsAre("bash", "zsh"));
}

TEST_F(Shell, BashOffersSavedRunsAndFiles) {
  std::filesystem::create_directories(file("results/runs/2026-11-23T04-12-07Z-7f3a"));
  std::filesystem::create_directories(file("elsewhere/runs/other"));
  EXPECT_THAT(offered({"show", "2026"}), ElementsAre("2026-11-23T04-12-07Z-7f3a"));
  EXPECT_THAT(offered({"compare", "last", "la"}), ElementsAre("last", "last~1"));
  EXPECT_THAT(offered({"plot", "--out", "elsewhere", "o"}), ElementsAre("other"));
  EXPECT_THAT(offered({"plot", "--out", "el"}), ElementsAre("elsewhere"));
  write_text(file("mine.toml"), "");
  EXPECT_THAT(offered({"--config", "min"}), Contains("mine.toml"));
}

TEST_F(Shell, ZshGetsAValidSpecificationOfEveryFlag) {
  if (!has_program("zsh")) GTEST_SKIP() << "no zsh here";
  write_text(file("completion"), run({"completion", "zsh"}).out);
  EXPECT_EQ(output_of("zsh -n completion"), "");
  const std::string stubs =
      "compdef() { :; }; _arguments() { print -l -- \"$@\"; }; "
      "_describe() { print -l -- $commands; }; . ./completion; ";
  const std::string specified =
      output_of("zsh -f -c '" + stubs +
                "words=(bench_moe_variants --mode x); CURRENT=3; _bench_moe_variants'");
  for (const std::string& flag : flags_of("run"))
    EXPECT_THAT(specified, HasSubstr("\n" + flag + "["));
  EXPECT_THAT(specified, HasSubstr(":(forward forward_backward)\n"));
  EXPECT_THAT(specified, HasSubstr(":_bench_moe_variants_CONFIG\n"));
  EXPECT_THAT(output_of("zsh -f -c '" + stubs +
                        "words=(bench_moe_variants co); CURRENT=2; _bench_moe_variants'"),
              HasSubstr("\ncompare:two saved runs"));
}

TEST_F(Shell, AnUnknownShellIsRefused) {
  const Outcome outcome = run({"completion", "bach"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("Did you mean 'bash'?"));
}

TEST_F(Shell, TheManualNamesEveryCommandAndFlag) {
  const std::string page = run({"man"}).out;
  EXPECT_EQ(page.find(".TH BENCH_MOE_VARIANTS 1 "), 0u);
  EXPECT_THAT(page, HasSubstr("\n.SH NAME\nbench_moe_variants \\- "));
  EXPECT_THAT(page, HasSubstr("\n\\fB\\-\\-top\\-k\\fR \\fI"));
  for (const char* command : {"run", "list", "show", "plot", "compare", "completion", "man"}) {
    EXPECT_THAT(page, HasSubstr("\n\\fB" + std::string(command) + "\\fR\n")) << command;
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

}  // namespace
}  // namespace moe::programs
