#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

namespace unfold::cli {

// Flags that fill a specification; absent ones leave it alone. What they fill must outlive
// `command`.

/// An input or output, as the server knows it.
void file_flag(CLI::App& command, std::string* target, const std::string& names,
               const std::string& help);

template <class Value, class Spec>
CLI::Option* number_flag(CLI::App& command, Spec& spec, const std::string& names,
                         void (Spec::*set)(Value), const std::string& help,
                         const std::string& group) {
  return command
      .add_option_function<Value>(
          names, [&spec, set](const Value& value) { (spec.*set)(value); }, help)
      ->group(group);
}

/// Turns something on.
template <class Spec>
CLI::Option* switch_flag(CLI::App& command, Spec& spec, const std::string& names,
                         void (Spec::*set)(bool), const std::string& help,
                         const std::string& group) {
  return command
      .add_flag_function(
          names, [&spec, set](std::int64_t) { (spec.*set)(true); }, help)
      ->group(group);
}

/// One of an enum's words ("dc1-feedback").
template <class Enum, class Spec>
CLI::Option* choice_flag(CLI::App& command, Spec& spec, const std::string& names,
                         void (Spec::*set)(Enum),
                         const std::vector<std::pair<std::string, Enum>>& words,
                         const std::string& help, const std::string& group) {
  std::vector<std::string> known;
  known.reserve(words.size());
  for (const auto& [word, value] : words) known.push_back(word);
  return command
      .add_option_function<std::string>(
          names,
          [&spec, set, words](const std::string& typed) {
            for (const auto& [word, value] : words) {
              if (word == typed) (spec.*set)(value);
            }
          },
          help)
      ->check(CLI::IsMember(known))
      ->type_name("NAME")
      ->group(group);
}

/// May be given several times; `add` takes each text.
template <class Add>
CLI::Option* repeated_flag(CLI::App& command, const std::string& names, const std::string& type,
                           const Add& add, const std::string& help, const std::string& group) {
  return command
      .add_option_function<std::vector<std::string>>(
          names,
          [add](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) add(text);
          },
          help)
      ->allow_extra_args(false)
      ->type_name(type)
      ->group(group);
}

/// A text that means more than itself; `use` takes it.
template <class Use>
CLI::Option* text_flag(CLI::App& command, const std::string& names, const std::string& type,
                       const Use& use, const std::string& help, const std::string& group) {
  return command.add_option_function<std::string>(names, use, help)->type_name(type)->group(group);
}

}  // namespace unfold::cli
