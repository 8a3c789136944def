// Rounds of the production core in virtual time, by members some of whom are slow now and then:
// what a deadline and over-selection make of them. The disk takes no time.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "coordinator/core/core.h"

namespace muster::coordinator {

class StragglerWorld {
 public:
  struct Setup {
    std::uint32_t participants = 20;
    std::uint32_t goal = 10;
    std::uint32_t quorum = 7;
    double over_select = 1;
    DeadlineRule rule;
    std::uint64_t seed = 1;
  };
  struct Played {
    std::int64_t took_ms = 0;
    std::size_t accepted = 0;
    std::int64_t deadline_ms = 0;  ///< As the record has it.
    bool by_deadline = false;
  };

  explicit StragglerWorld(const Setup& setup);
  ~StragglerWorld();

  /// Each with how long it took, from the commit before.
  std::vector<Played> Play(std::size_t rounds);
  StatusView Status() const { return core_->Status(now_); }

  /// How long a member trains: half-normal with a spread of ten, kShortestMs * (1 + 3 |z|) for a
  /// standard normal z, so that three sigma are ten times the shortest. A pure function of its
  /// arguments; z is the sum of twelve uniform draws less six.
  static std::int64_t DurationMs(std::uint64_t seed, RosterIndex member, Round round);
  static constexpr std::int64_t kShortestMs = 1'000;

 private:
  struct Work {
    TaskOrder task;
    MonotonicMs done_at = 0;
  };

  void Feed(Event event);
  void Perform(const Effect& effect);
  void PerformSend(const Send& send);
  Received MessageOf(RosterIndex member, Message message) const;

  const Setup setup_;
  Fence fence_;
  std::unique_ptr<CoordinatorCore> core_;
  VersionManifest head_;
  MonotonicMs now_ = 0, armed_ = 0, last_commit_ = 0;
  std::map<RosterIndex, Work> working_;
  std::map<UploadId, std::uint64_t> uploads_;
  std::deque<Event> events_;
  bool feeding_ = false;
  std::vector<Played> played_;
};

}  // namespace muster::coordinator
