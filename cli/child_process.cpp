#include "cli/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "common/bytes.h"
#include "common/file.h"

namespace muster::cli {
namespace {

constexpr std::uint64_t kTailBytes = 8192;
constexpr std::size_t kMessageBytesMax = 500;
constexpr int kExecFailed = 127;
constexpr char kSelf[] = "/proc/self/exe";

// Between fork and exec: async-signal-safe calls only, other threads may have held locks.
[[noreturn]] void BecomeChild(pid_t parent, int input, int output, char* const* argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the line above: then nobody will ever send the signal.
  if (::getppid() != parent) ::_exit(kExecFailed);
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execv(kSelf, argv);
  ::_exit(kExecFailed);
}

}  // namespace

Result<pid_t> StartChild(const std::vector<std::string>& arguments, const std::string& log_path) {
  const FileDescriptor output(
      ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!output.valid()) return SystemError(Reason::io_failed, "open", log_path, errno);
  const FileDescriptor input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!input.valid()) return SystemError(Reason::io_failed, "open", "/dev/null", errno);
  // A program with strategies of its own goes by its own name in ps and in messages.
  std::vector<std::string> words = {program_invocation_short_name};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return SystemError(Reason::io_failed, "fork", kSelf, errno);
  if (child == 0) BecomeChild(parent, input.get(), output.get(), argv.data());
  return child;
}

std::optional<ChildExit> ReapChild(pid_t pid) {
  int status = 0;
  if (::waitpid(pid, &status, WNOHANG) != pid) return std::nullopt;
  if (WIFSIGNALED(status)) return ChildExit{true, WTERMSIG(status)};
  return ChildExit{false, WEXITSTATUS(status)};
}

std::string LastLine(const std::string& log_path, std::uint64_t offset) {
  const Result<InputFile> file = InputFile::Open(log_path);
  if (!file || file->size() <= offset) return "";
  const std::uint64_t begin = std::max(offset, file->size() - std::min(file->size(), kTailBytes));
  Bytes bytes(file->size() - begin);
  if (!file->ReadAt(begin, bytes)) return "";
  std::string_view text = AsText(bytes);
  const std::size_t last = text.find_last_not_of("\n\r\t ");
  if (last == text.npos) return "";
  text = text.substr(0, last + 1);
  const std::size_t newline = text.rfind('\n');
  if (newline != text.npos) text = text.substr(newline + 1);
  return std::string(text.substr(0, kMessageBytesMax));
}

std::uint64_t FileBytes(const std::string& path) {
  struct stat facts = {};
  return ::stat(path.c_str(), &facts) == 0 ? static_cast<std::uint64_t>(facts.st_size) : 0;
}

}  // namespace muster::cli
