#include "common/open_files.h"

#include <sys/resource.h>

#include <string>

#include "common/limits.h"

namespace muster {

void RaiseOpenFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);  // If refused, EnsureOpenFiles sees the lower one.
}

std::uint64_t CoordinatorFiles(std::uint64_t participants) {
  return limits::kCoordinatorFilesOwn + limits::kStoreFilesMax +
         participants * limits::kServerFilesPerLink;
}

std::uint64_t HostFiles(std::uint64_t participants) {
  return limits::kHostFilesOwn + participants * limits::kHostFilesPerParticipant;
}

Status EnsureOpenFiles(std::string_view who, std::uint64_t need) {
  RaiseOpenFileLimit();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need) return {};
  return Error{Reason::config_invalid,
               std::string(who) + " may need " + std::to_string(need) +
                   " file descriptors, but the limit is " + std::to_string(limit.rlim_cur) +
                   "; raise it (`ulimit -n " + std::to_string(need) +
                   "`, as root where the hard limit is lower) and start again"};
}

}  // namespace muster
