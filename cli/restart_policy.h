// Whether and when a child that ended is started again.
#pragma once

#include <cstdint>
#include <string>

namespace muster::cli {

/// Deaths of one child without a new version in between that end the run.
inline constexpr std::uint32_t kDeathsMax = 5;
/// The first one is short: a process that dies in the moment between a commit and its line in the
/// event stream has made no progress that anybody could see.
inline constexpr std::int64_t kBackOffMsMin = 300;
inline constexpr std::int64_t kBackOffGrowth = 4;
inline constexpr std::int64_t kBackOffMsMax = 5'000;
static_assert(kDeathsMax == 5 && kBackOffMsMin * kBackOffGrowth * kBackOffGrowth <= kBackOffMsMax);

/// How a process ended.
struct ChildExit {
  bool signalled = false;
  int number = 0;  ///< The signal's or the exit code's.

  /// "signal 9", "code 1".
  std::string Text() const;
  bool IsCode(int code) const { return !signalled && number == code; }
};

/// Why nobody starts it any more: "WHO ended 5 times without a new version, at last with HOW:
/// LAST". `last`: what it said last; empty if nothing, as after a SIGKILL, which is then explained.
std::string TextOfTooMany(const std::string& who, const std::string& how, const std::string& last);

enum class RestartVerdict : std::uint8_t {
  again,     ///< Start it after the stated delay.
  no_room,   ///< The same, and it is no death: the volume is full.
  hopeless,  ///< Its exit code says that another start cannot help.
  too_many,  ///< kDeathsMax deaths without progress.
};

struct RestartDecision {
  RestartVerdict verdict = RestartVerdict::again;
  std::int64_t delay_ms = 0;
};

/// One child's. The first death since the last progress is followed by a start at once, the others
/// by one after 0.3 s, 1.2 s and 4.8 s. One that ends for want of room is started again every 5 s,
/// for as long as there is none.
class RestartPolicy {
 public:
  /// `volume_full`: what the child writes to has no room, as far as can be seen.
  RestartDecision OnExit(const ChildExit& exit, bool volume_full = false);
  /// The run committed a version.
  void OnProgress() { deaths_ = 0; }
  /// How often OnExit said `again`.
  std::uint32_t restarts() const { return restarts_; }

 private:
  std::uint32_t deaths_ = 0;
  std::uint32_t restarts_ = 0;
};

}  // namespace muster::cli
