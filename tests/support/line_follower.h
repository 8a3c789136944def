// Follows a file that another process appends lines to: a wait that ends the moment the line is
// there.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace muster::testing {

/// Not thread-safe. The file need not exist yet; its folder must.
class LineFollower {
 public:
  explicit LineFollower(const std::string& path);
  ~LineFollower();
  LineFollower(const LineFollower&) = delete;
  LineFollower& operator=(const LineFollower&) = delete;

  /// Reads on until a line is wanted. Returns it; fails the test and returns "" at the deadline.
  std::string Await(const std::function<bool(const std::string&)>& wanted);
  /// Shows `each` what has been appended since, without waiting.
  void ReadRest(const std::function<void(const std::string&)>& each);

 private:
  /// False if no whole line is there.
  bool NextLine(std::string& line);

  static constexpr std::chrono::seconds kPatience{60};

  const std::string path_;
  int watch_ = -1;
  int file_ = -1;
  std::string buffer_;
};

}  // namespace muster::testing
