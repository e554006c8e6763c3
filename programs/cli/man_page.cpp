// troff with the macros of man(7).
#include "cli/man_page.h"

#include <algorithm>
#include <cctype>

namespace moe::programs {
namespace {

/// Text that no macro and no escape sequence can hide in.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c == '\n' ? ' ' : c;
    }
  }
  const bool looks_like_a_request = result.starts_with('.') || result.starts_with('\'');
  return looks_like_a_request ? "\\&" + result : result;
}

std::string bold(const std::string& text) {
  return "\\fB" + escaped(text) + "\\fR";
}

std::string italic(const std::string& text) {
  return "\\fI" + escaped(text) + "\\fR";
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string paragraph(const std::string& term, const std::string& text) {
  return ".TP\n" + term + "\n" + text + "\n";
}

std::string flag_text(const OptionEntry& flag) {
  std::string term;
  for (const std::string& name : flag.names) term += (term.empty() ? "" : ", ") + bold(name);
  if (!flag.value.empty()) term += " " + italic(flag.value);
  std::string text = escaped(flag.help);
  if (!flag.default_value.empty() && !flag.value.empty())
    text += " (default: " + escaped(flag.default_value) + ")";
  return paragraph(term, text);
}

/// ".SH RUN" and its groups of flags, in the order of their first flag.
std::string command_section(const CommandEntry& command) {
  std::string text = ".SH " + upper(command.name) + "\n" + escaped(command.summary) + "\n";
  for (const OptionEntry& positional : command.positionals) {
    std::string meaning = escaped(positional.help);
    if (!positional.default_value.empty())
      meaning += " (default: " + escaped(positional.default_value) + ")";
    text += paragraph(italic(positional.names.front()), meaning);
  }
  std::vector<std::string> groups;
  for (const OptionEntry& flag : command.flags) {
    if (std::find(groups.begin(), groups.end(), flag.group) == groups.end())
      groups.push_back(flag.group);
  }
  for (const std::string& group : groups) {
    if (groups.size() > 1 && !group.empty()) text += ".SS " + escaped(group) + "\n";
    for (const OptionEntry& flag : command.flags) {
      if (flag.group == group) text += flag_text(flag);
    }
  }
  return text;
}

std::string synopsis(const ProgramEntry& program) {
  std::string text = ".SH SYNOPSIS\n";
  for (const CommandEntry& command : program.commands) {
    const bool is_default = &command == &program.commands.front();
    text += (is_default ? "" : ".br\n") + bold(program.name) + " " +
            (is_default ? "[" + bold(command.name) + "]" : bold(command.name));
    for (const OptionEntry& positional : command.positionals)
      text += " [" + italic(positional.names.front()) + "]";
    text += " [" + italic("flags") + "]\n";
  }
  return text;
}

}  // namespace

std::string man_page(const ProgramEntry& program, const std::string& version,
                     const std::vector<ManualSection>& more) {
  const std::string& about = program.description;
  const std::string first = about.substr(0, about.find_first_of(":\n"));
  std::string text = ".TH " + upper(program.name) + " 1 \"\" \"" + escaped(version) +
                     "\" \"MoE Benchmarks\"\n.SH NAME\n" + escaped(program.name) + " \\- " +
                     escaped(first) + "\n" + synopsis(program) + ".SH DESCRIPTION\n" +
                     escaped(about) + "\n.SH COMMANDS\n";
  for (const CommandEntry& command : program.commands)
    text += paragraph(bold(command.name), escaped(command.summary));
  for (const CommandEntry& command : program.commands) text += command_section(command);
  for (const ManualSection& section : more) {
    text += ".SH " + section.title + "\n";
    for (const auto& [term, meaning] : section.entries)
      text += paragraph(bold(term), escaped(meaning));
  }
  return text;
}

}  // namespace moe::programs
