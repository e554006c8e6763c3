// One function for complete -F: the command gives the flags, the flag before the cursor its values.
#include "cli/completion.h"

namespace moe::programs {
namespace {

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

/// The shell's action for a value: a list of words, or one of the helpers of the script.
std::string action_for(const OptionEntry& option, const ValueWords& words) {
  const auto known = words.find(option.value);
  if (!option.choices.empty()) return "words='" + joined(option.choices, " ") + "'";
  if (known != words.end())
    return "words='" + joined(known->second, " ") + "'" +
           (option.value == "CONFIG" ? " files=f" : "");
  if (option.value == "RUN") return "runs=1 files=f";
  if (option.value == "DIR") return "files=d";
  if (option.value == "FILE") return "files=f";
  return ":";
}

/// Cases of `case $command,$previous`.
std::string value_cases(const CommandEntry& command, const ValueWords& words) {
  std::string text;
  for (const OptionEntry& flag : command.flags) {
    if (flag.value.empty()) continue;
    std::vector<std::string> patterns;
    for (const std::string& name : flag.names) patterns.push_back(command.name + "," + name);
    text += "    " + joined(patterns, "|") + ") " + action_for(flag, words) + " ;;\n";
  }
  return text;
}

/// What stands at the place of a word that belongs to no flag.
std::string free_case(const CommandEntry& command, const ValueWords& words) {
  std::string actions;
  for (const OptionEntry& positional : command.positionals) {
    const std::string action = action_for(positional, words) + "; ";
    if (actions.find(action) == std::string::npos) actions += action;
  }
  std::vector<std::string> names;
  for (const OptionEntry& flag : command.flags) {
    names.insert(names.end(), flag.names.begin(), flag.names.end());
  }
  return "      " + command.name + ") " + actions + "flags='" + joined(names, " ") + "' ;;\n";
}

constexpr const char* kHead =
    R"bash(  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command words= flags= runs= files= out=results list= paths i
  # Bash splits --flag=value into three words.
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    [[ ${COMP_WORDS[i]} == --out && ${COMP_WORDS[i + 1]} != = ]] && out=${COMP_WORDS[i + 1]}
  done
)bash";

constexpr const char* kTail = R"bash(  if [[ $runs ]]; then
    words="last last~1 $(command ls "$out/$folder" 2>/dev/null)"
  fi
  [[ $current == -* || ! $words$files ]] && words+=" $flags"
  # Lists are completed behind their last comma.
  [[ $current == *,* && $previous == --* ]] && list=${current%,*},
  mapfile -t COMPREPLY < <(compgen -P "$list" -W "$words" -- "${current#"$list"}")
  if [[ $files && $current != -* ]]; then
    mapfile -t paths < <(compgen "-$files" -- "$current")
    COMPREPLY+=("${paths[@]}")
    compopt -o filenames 2>/dev/null
  fi
)bash";

}  // namespace

std::string bash_completion(const ProgramEntry& program, const ValueWords& words) {
  std::vector<std::string> names;
  std::string values, frees;
  for (const CommandEntry& command : program.commands) {
    names.push_back(command.name);
    values += value_cases(command, words);
    frees += free_case(command, words);
  }
  const std::string& name = program.name;
  const std::string& usual = names.front();
  std::string script = "# bash completion of " + name + ", made by: " + name +
                       " completion bash\n_" + name + "() {\n  local folder=" + program.run_folder +
                       "\n" + kHead;
  script += "  case ${COMP_WORDS[1]} in\n    " + joined(names, "|") +
            ") command=${COMP_WORDS[1]} ;;\n    *) command=" + usual + " ;;\n  esac\n";
  script += "  ((COMP_CWORD == 1)) && command=" + usual + " words='" + joined(names, " ") + "'\n";
  script += "  case $command,$previous in\n" + values + "    *) case $command in\n" + frees +
            "    esac ;;\n  esac\n";
  return script + kTail + "}\ncomplete -F _" + name + " " + name + "\n";
}

}  // namespace moe::programs
