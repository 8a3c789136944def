#include "tests/support/line_follower.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <filesystem>

namespace muster::testing {

LineFollower::LineFollower(const std::string& path)
    : path_(path), watch_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  const std::string folder = std::filesystem::path(path).parent_path();
  if (::inotify_add_watch(watch_, folder.c_str(), IN_MODIFY | IN_CREATE) < 0) {
    ADD_FAILURE() << "cannot watch " << folder;
  }
}

LineFollower::~LineFollower() {
  ::close(watch_);
  if (file_ >= 0) ::close(file_);
}

bool LineFollower::NextLine(std::string& line) {
  while (true) {
    if (const std::size_t newline = buffer_.find('\n'); newline != std::string::npos) {
      line = buffer_.substr(0, newline);
      buffer_.erase(0, newline + 1);
      return true;
    }
    if (file_ < 0) file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (file_ < 0) return false;
    std::array<char, 8192> bytes = {};
    const ssize_t count = ::read(file_, bytes.data(), bytes.size());
    if (count <= 0) return false;
    buffer_.append(bytes.data(), static_cast<std::size_t>(count));
  }
}

std::string LineFollower::Await(const std::function<bool(const std::string&)>& wanted) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::string line;
  while (true) {
    while (NextLine(line)) {
      if (wanted(line)) return line;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd changed = {watch_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&changed, 1, static_cast<int>(left.count())) <= 0) {
      ADD_FAILURE() << "the awaited line did not come to " << path_;
      return "";
    }
    std::array<char, 4096> ignored = {};
    while (::read(watch_, ignored.data(), ignored.size()) > 0) {
    }
  }
}

void LineFollower::ReadRest(const std::function<void(const std::string&)>& each) {
  std::string line;
  while (NextLine(line)) each(line);
}

}  // namespace muster::testing
