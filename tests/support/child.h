// Runs a piece of a test in a forked process: for other users, other limits, sudden ends.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

namespace muster {

/// The exit code of a child that runs `body`, which returns true if all was as it should be.
template <typename Body>
int RunInChild(Body body) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) _exit(body() ? 0 : 1);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// RunInChild as a user whom file modes bind: root is turned into nobody first.
template <typename Body>
int RunAsOrdinaryUser(Body body) {
  constexpr uid_t kNobody = 65534;
  return RunInChild([&] {
    if (geteuid() == 0 && (setgid(kNobody) != 0 || setuid(kNobody) != 0)) return false;
    return body();
  });
}

}  // namespace muster
