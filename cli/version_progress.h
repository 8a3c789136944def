// What a command that reads many versions says on the way.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <utility>

#include "common/clock.h"
#include "common/ids.h"

namespace muster::cli {

/// One line on standard error every two seconds: a look at much data takes a while.
class VersionProgress {
 public:
  explicit VersionProgress(std::string doing)
      : doing_(std::move(doing)), told_at_(MonotonicNow()) {}
  void operator()(Version version) {
    constexpr MonotonicMs kTellEveryMs = 2'000;
    if (MonotonicNow() < told_at_ + kTellEveryMs) return;
    told_at_ = MonotonicNow();
    fmt::print(stderr, "{} version {}\n", doing_, version);
  }

 private:
  const std::string doing_;
  MonotonicMs told_at_;
};

}  // namespace muster::cli
