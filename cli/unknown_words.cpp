#include "cli/unknown_words.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "cli/nearest.h"

namespace muster::cli {
namespace {

/// An option where a command should be, with one of `names` behind it; nothing if none is there.
std::optional<Error> EarlyOption(const std::string& before, const std::vector<std::string>& names,
                                 std::span<char* const> words) {
  const std::string option = words.front();
  const auto is_command = [&](const char* word) { return std::ranges::count(names, word) > 0; };
  const auto command = std::ranges::find_if(words, is_command);
  if (option == "-h" || option == "--help" || command == words.end()) return std::nullopt;
  return Error{Reason::flag_invalid, option +
                                         " stands before its command; options stand behind it: "
                                         "`muster " +
                                         before + *command + " " + option + " ...`"};
}

}  // namespace

std::optional<Error> UnknownCommand(const CLI::App& program, std::span<char* const> words) {
  const CLI::App* app = &program;
  std::string before;
  for (; !words.empty(); words = words.subspan(1)) {
    const std::string word = words.front();
    // Groups of options count as commands without a name.
    const auto commands =
        app->get_subcommands([](const CLI::App* command) { return !command->get_name().empty(); });
    if (commands.empty()) return std::nullopt;
    std::vector<std::string> names;
    for (const CLI::App* command : commands) names.push_back(command->get_name());
    if (word.starts_with("-")) return EarlyOption(before, names, words);
    const auto found = std::ranges::find(commands, word, &CLI::App::get_name);
    if (found == commands.end()) {
      const auto nearest = Nearest(word, names);
      const std::string hint = nearest ? "did you mean `" + before + *nearest + "`?"
                                       : "`muster " + before + "--help` lists all";
      return Error{Reason::flag_invalid, "there is no command `" + before + word + "`; " + hint};
    }
    app = *found;
    before += word + " ";
  }
  return std::nullopt;
}

std::optional<Error> UnknownOption(const CLI::App& program) {
  const CLI::App* app = &program;
  std::string name;
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    name += " " + app->get_name();
  }
  const std::vector<std::string> extras = program.remaining(/*recurse=*/true);
  const auto extra = std::ranges::find_if(extras, [](const auto& e) { return e.starts_with("-"); });
  if (extra == extras.end()) return std::nullopt;
  std::vector<std::string> options;
  for (const CLI::Option* option : app->get_options()) {
    for (const std::string& word : option->get_lnames()) options.push_back("--" + word);
  }
  const auto nearest = Nearest(*extra, options);
  const std::string hint =
      nearest ? "did you mean `" + *nearest + "`?" : "`muster" + name + " --help` lists all";
  return Error{Reason::flag_invalid,
               "`muster" + name + "` has no option `" + *extra + "`; " + hint};
}

}  // namespace muster::cli
