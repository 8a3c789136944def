#include "tests/cli/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace muster::cli {
namespace {

constexpr std::chrono::seconds kPatience{120};
constexpr int kPollMs = 5;

}  // namespace

Program::Program(const std::vector<std::string>& arguments, const std::function<void()>& in_child) {
  std::array<int, 2> out = {};
  if (::pipe2(out.data(), O_CLOEXEC) != 0) std::abort();
  error_fd_ = ::open(::testing::TempDir().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  std::vector<std::string> words = {MUSTER_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(error_fd_, STDERR_FILENO);
    in_child();
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(out[1]);
  fd_ = out[0];
}

Program::~Program() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(fd_);
  ::close(error_fd_);
}

void Program::Signal(int number) const { ::kill(pid_, number); }

bool Program::ReadLine(std::string& line) {
  while (true) {
    const std::size_t newline = buffer_.find('\n');
    if (newline != std::string::npos) {
      line = buffer_.substr(0, newline);
      buffer_.erase(0, newline + 1);
      output_ += line + "\n";
      return true;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline_ - std::chrono::steady_clock::now());
    pollfd waiting = {fd_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) {
      ADD_FAILURE() << "no more output in time; so far:\n" << output_ << errors();
      return false;
    }
    std::array<char, 4096> bytes = {};
    const ssize_t count = ::read(fd_, bytes.data(), bytes.size());
    if (count <= 0) return false;
    buffer_.append(bytes.data(), static_cast<std::size_t>(count));
  }
}

nlohmann::json Program::Await(const std::function<bool(const nlohmann::json&)>& wanted) {
  deadline_ = std::chrono::steady_clock::now() + kPatience;
  std::string line;
  while (ReadLine(line)) {
    const auto event = nlohmann::json::parse(line, nullptr, false);
    if (event.is_discarded()) continue;
    events_.push_back(event);
    if (wanted(event)) return event;
  }
  return nullptr;
}

nlohmann::json Program::AwaitVersion(std::uint64_t version) {
  return Await([version](const nlohmann::json& event) {
    return event.value("event", "") == "version" && event.value("version", 0U) == version;
  });
}

bool Program::AwaitText(const std::string& text) {
  deadline_ = std::chrono::steady_clock::now() + kPatience;
  std::string line;
  while (ReadLine(line)) {
    if (line.find(text) != std::string::npos) return true;
  }
  return false;
}

int Program::Wait() {
  Await([](const nlohmann::json&) { return false; });
  int status = 0;
  while (::waitpid(pid_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline_) {
      ADD_FAILURE() << "the program closed its output and does not end";
      return -1;
    }
    ::poll(nullptr, 0, kPollMs);
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string Program::errors() const {
  std::string text;
  std::array<char, 4096> bytes = {};
  off_t offset = 0;
  for (ssize_t count = 0; (count = ::pread(error_fd_, bytes.data(), bytes.size(), offset)) > 0;
       offset += count) {
    text.append(bytes.data(), static_cast<std::size_t>(count));
  }
  return text;
}

bool AwaitEnd(pid_t pid) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    // Reaps it once it is ours; until its parent is gone it is not.
    if (::waitpid(pid, nullptr, WNOHANG) == pid) return true;
    if (::kill(pid, 0) != 0 && errno == ESRCH) return true;
    ::poll(nullptr, 0, kPollMs);
  }
  return false;
}

}  // namespace muster::cli
