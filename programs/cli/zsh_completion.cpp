// Specifications for _arguments: every flag with its help.
#include "cli/completion.h"

namespace moe::programs {
namespace {

/// Inside single quotes, with the characters escaped that end a part of a specification.
std::string specification(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\'') {
      escaped += "'\\''";
    } else {
      if (c == '[' || c == ']' || c == ':' || c == '\\') escaped += '\\';
      escaped += c;
    }
  }
  return escaped;
}

std::string action_for(const ProgramEntry& program, const OptionEntry& option,
                       const ValueWords& words) {
  if (!option.choices.empty()) {
    std::string list;
    for (const std::string& choice : option.choices)
      list += (list.empty() ? "" : " ") + specification(choice);
    return "(" + list + ")";
  }
  if (words.contains(option.value) || option.value == "RUN")
    return "_" + program.name + "_" + option.value;
  if (option.value == "DIR") return "_files -/";
  return option.value == "FILE" ? "_files" : " ";
}

std::string arguments_of(const ProgramEntry& program, const CommandEntry& command,
                         const ValueWords& words) {
  std::string text = "    " + command.name + ") _arguments";
  for (const OptionEntry& flag : command.flags) {
    for (const std::string& name : flag.names) {
      text += " \\\n      '" + name + "[" + specification(flag.help) + "]";
      if (!flag.value.empty())
        text += ":" + specification(flag.value) + ":" + action_for(program, flag, words);
      text += "'";
    }
  }
  for (const OptionEntry& positional : command.positionals) {
    text += " \\\n      '::" + positional.names.front() + ":" +
            action_for(program, positional, words) + "'";
  }
  return text + " ;;\n";
}

/// A function per kind of value that no table lists. Lists are completed behind their last comma.
std::string value_functions(const ProgramEntry& program, const ValueWords& words) {
  std::string text = "_" + program.name + "_RUN() {\n  compadd -- last last~1 " +
                     "${${opt_args[--out]:-results}}/" + program.run_folder +
                     "/*(N:t)\n  _files\n}\n";
  for (const auto& [value, list] : words) {
    text += "_" + program.name + "_" + value + "() {\n  compset -P '*,'\n  compadd --";
    for (const std::string& word : list) text += " " + word;
    text += value == "CONFIG" ? "\n  _files\n}\n" : "\n}\n";
  }
  return text;
}

}  // namespace

std::string zsh_completion(const ProgramEntry& program, const ValueWords& words) {
  const std::string& name = program.name;
  std::string commands, cases;
  for (const CommandEntry& command : program.commands) {
    commands +=
        "    '" + specification(command.name) + ":" + specification(command.summary) + "'\n";
    cases += arguments_of(program, command, words);
  }
  return "#compdef " + name + "\n# zsh completion of " + name + ", made by: " + name +
         " completion zsh\n" + value_functions(program, words) + "_" + name +
         "() {\n  local -a commands\n  commands=(\n" + commands +
         "  )\n  if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then\n"
         "    _describe command commands\n    return\n  fi\n  local command=" +
         program.commands.front().name +
         "\n  if ((${commands[(I)$words[2]:*]})); then\n    command=$words[2]\n    shift words\n"
         "    ((CURRENT--))\n  fi\n  case $command in\n" +
         cases + "  esac\n}\nif [[ $funcstack[1] == _" + name + " ]]; then\n  _" + name +
         " \"$@\"\nelse\n  compdef _" + name + " " + name + "\nfi\n";
}

}  // namespace moe::programs
