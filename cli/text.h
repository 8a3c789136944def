// Small pieces of text for people: aligned tables, sizes, durations.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace muster::cli {

/// A table with a line of headings. Columns are as wide as their widest cell; those named in
/// `right_aligned` are flush right. REQUIRES: every row has as many cells as there are headings.
class Table {
 public:
  explicit Table(std::vector<std::string> headings, std::vector<std::size_t> right_aligned = {});
  void Add(std::vector<std::string> row);
  /// Lines, each with a newline, none with trailing spaces.
  std::string Text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<bool> right_;
};

/// "512 B", "3.4 MB": powers of 1000.
std::string HumanBytes(std::uint64_t bytes);
/// "0.8 s", "3 min 20 s".
std::string HumanSeconds(double seconds);
/// "a, b, c and 7 more".
std::string HumanList(const std::vector<std::string>& names, std::size_t shown_max);
/// "4 of 10"; "10, more than the 4 asked for" where fewer are asked for than are done.
std::string DoneOf(std::uint64_t done, std::uint64_t asked);
/// At most `columns` characters, the end cut. Counts UTF-8 code points.
std::string Clip(std::string_view text, std::size_t columns);
/// As a shell takes it for one word of a command.
std::string ShellWord(const std::string& text);

}  // namespace muster::cli
