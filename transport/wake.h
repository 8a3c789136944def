// Wakes a thread that waits in poll or epoll, from any other.
#pragma once

#include "common/file.h"

namespace muster {

/// An eventfd (eventfd(2)), non-blocking. Wakes before the wait are not lost. Thread-safe.
class WakeFlag {
 public:
  /// REQUIRES: the process may open one more file; callers raise the limit first.
  WakeFlag();
  void Set();
  /// True if it was set since the last Take.
  bool Take();
  /// Readable while set.
  int fd() const { return fd_.get(); }

 private:
  FileDescriptor fd_;
};

}  // namespace muster
