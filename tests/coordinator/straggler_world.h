// The production core in virtual time, with members some of whom are slow now and then: what
// deadlines, over-selection and mode async make of them. Disk and network take no time.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "coordinator/core/core.h"

namespace muster::coordinator {

/// What members make and what the coordinator makes of it. This one makes nothing but handles; see
/// straggler_training.h for one that trains. Called in the order of the core's effects.
class StragglerWork {
 public:
  struct Update {
    Xxh128Digest digest{};
    std::uint64_t weight = 1;
    bool finite = true;
    std::vector<float> tensor_max_abs;  ///< One a lane tensor.
  };

  virtual ~StragglerWork() = default;
  /// Version 0.
  virtual VersionManifest Initial();
  /// The task's update, in the moment in which its member has done it.
  virtual Update Train(const TaskOrder& task);
  virtual void OpenSum(const std::vector<TensorScale>& scales);
  virtual void Fold(const muster::coordinator::Fold& fold);
  /// VersionBuilt or BuildFailed.
  virtual Event Build(const BuildVersion& build);
  virtual void Commit(const RoundRecord& record, MonotonicMs now);

 private:
  VersionManifest head_;
};

/// Whose a duration is.
enum class Slowness : std::uint8_t {
  of_update,  ///< Drawn anew for each: anybody is slow now and then.
  of_member,  ///< Drawn once: some machines are slow for ever.
};

class StragglerWorld {
 public:
  struct Setup {
    JobSpec job = HandlesJob();
    DeadlineRule rule;
    Slowness slowness = Slowness::of_update;
  };
  struct Played {
    std::int64_t took_ms = 0;  ///< From the commit before.
    std::size_t accepted = 0;
    std::int64_t deadline_ms = 0;  ///< As the record has it.
    bool by_deadline = false;
  };

  /// Of 20 members ten are drawn a round, and seven are enough at the deadline.
  static JobSpec HandlesJob();

  /// Everybody with a part of the data is here from the beginning. `work` must outlive the world;
  /// null: handles alone.
  explicit StragglerWorld(const Setup& setup, StragglerWork* work = nullptr);
  ~StragglerWorld();

  /// Each with how long it took.
  std::vector<Played> Play(std::size_t rounds);
  /// Until this time, or until `done` says so, which is asked after each commit.
  void PlayUntil(MonotonicMs end, const std::function<bool()>& done);
  StatusView Status() const { return core_->Status(now_); }

  /// How long a member trains for this task: half-normal with a spread of ten, kShortestMs * (1 + 3
  /// |z|) for a standard normal z, so that three sigma are ten times the shortest. A pure function
  /// of its arguments; z is the sum of twelve uniform draws less six.
  static std::int64_t DurationMs(std::uint64_t seed, const UpdateId& id, Slowness slowness);
  static constexpr std::int64_t kShortestMs = 1'000;

 private:
  struct Work {
    TaskOrder task;
    MonotonicMs done_at = 0;
  };

  void Feed(Event event);
  void Perform(const Effect& effect);
  void PerformSend(const Send& send);
  void Begin(RosterIndex member, const TaskOrder& task);
  void Store(const StoreChunk& store);
  void Advance(MonotonicMs end);
  Received MessageOf(RosterIndex member, Message message) const;

  const Setup setup_;
  StragglerWork handles_;
  StragglerWork& work_;
  std::uint64_t update_bytes_ = 0;
  Fence fence_;
  std::unique_ptr<CoordinatorCore> core_;
  MonotonicMs now_ = 0, armed_ = 0, last_commit_ = 0;
  std::map<RosterIndex, Work> working_;
  std::map<UpdateId, StragglerWork::Update> done_;  ///< Offered, and not known to be settled.
  std::map<PayloadHandle, UpdateId> payloads_;      ///< On the way to the spool.
  PayloadHandle last_payload_ = 0;
  std::deque<Event> events_;
  bool feeding_ = false;
  std::vector<Played> played_;
};

}  // namespace muster::coordinator
