// The real program as a child of a test: its lines as they come, its exit code, with deadlines.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace muster::cli {

/// Kills the program when destroyed, if it still runs. Every wait fails the test at its deadline.
class Program {
 public:
  /// `in_child` runs between fork and exec: limits, other outputs. Async-signal-safe calls only.
  explicit Program(
      const std::vector<std::string>& arguments, const std::function<void()>& in_child = [] {});
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int number) const;
  /// Reads events until one satisfies `wanted`. Returns it; null at the end of the output.
  nlohmann::json Await(const std::function<bool(const nlohmann::json&)>& wanted);
  nlohmann::json AwaitVersion(std::uint64_t version);
  /// Reads lines until one has this text. False at the end of the output.
  bool AwaitText(const std::string& text);
  /// Reads to the end. Returns the exit code, or minus the signal.
  int Wait();

  /// Everything read so far: lines of standard output, and at the end standard error.
  const std::vector<nlohmann::json>& events() const { return events_; }
  const std::string& output() const { return output_; }
  std::string errors() const;

 private:
  /// False at the end of the output.
  bool ReadLine(std::string& line);

  pid_t pid_ = -1;
  int fd_ = -1;
  int error_fd_ = -1;
  std::string buffer_;
  std::string output_;
  std::vector<nlohmann::json> events_;
  std::chrono::steady_clock::time_point deadline_;
};

/// True once `pid`, a descendant that lost its parent, has ended. REQUIRES: this process is a
/// subreaper.
bool AwaitEnd(pid_t pid);

}  // namespace muster::cli
