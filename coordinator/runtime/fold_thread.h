// The thread that folds updates into the round's sum and builds the next version from it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "aggregation/ring_sum.h"
#include "aggregation/strategy.h"
#include "common/thread_pool.h"
#include "coordinator/core/effects.h"
#include "coordinator/runtime/inbox.h"
#include "coordinator/runtime/shared_spool.h"
#include "coordinator/runtime/work_queue.h"

namespace muster::coordinator {

/// Performs its effects in the order given; each fold and build is shared by a pool of threads. A
/// fold of bytes that are not those accepted (damage), or any fold or build that fails, is answered
/// with BuildFailed, and nothing more is done until the next
/// OpenSum. Bound of its queue: the updates of one round. Memory: the sum (8 bytes a parameter),
/// the head, and while a version waits to become head, that version.
class FoldThread {
 public:
  struct Setup {
    const Strategy& strategy;
    LaneSet lanes;  ///< The strategy's.
    RingCapacity capacity;
    std::size_t thread_count = 1;
    std::uint32_t full_factor = 1;  ///< FullFactor of the job.
  };

  /// `head`: model and server state. References must outlive the thread.
  FoldThread(Setup setup, std::shared_ptr<const ParameterSet> head, const SharedSpool& spool,
             Inbox& inbox);
  /// As Finish.
  ~FoldThread();

  void Do(OpenSum effect) { queue_.Push(std::move(effect)); }
  void Do(Fold effect) { queue_.Push(effect); }
  void Do(BuildVersion effect) { queue_.Push(effect); }
  /// The built version is head from now on; returns it. Called by the loop thread.
  /// REQUIRES: VersionBuilt was given for it.
  std::shared_ptr<const ParameterSet> AdvanceHead(Version version);

  /// What StoreVersion writes: the version built last if it is this one, head otherwise.
  std::shared_ptr<const ParameterSet> Contents(Version version) const;

  /// Ends and joins the thread after the fold or build it is at.
  void Finish();

 private:
  using Work = std::variant<OpenSum, Fold, BuildVersion>;
  /// Updates that are folded in one pass over the sums.
  static constexpr std::size_t kFoldTogetherMax = 8;

  void Run();
  Status Perform(const OpenSum& effect);
  Status Perform(const Fold& first);
  Status Perform(const BuildVersion& effect);
  UpdateSource SourceOf(const Fold& fold) const;
  std::shared_ptr<const ParameterSet> Head() const;

  const Setup setup_;
  const std::uint64_t update_bytes_;
  const SharedSpool& spool_;
  Inbox& inbox_;
  ThreadPool pool_;
  RingSum sum_;                         ///< The thread's own.
  bool broken_ = true;                  ///< No sum is open. The thread's own.
  std::shared_ptr<ParameterSet> next_;  ///< Room for the next version. The thread's own.
  WorkQueue<Work> queue_;

  mutable std::mutex mutex_;
  std::shared_ptr<const ParameterSet> head_;
  std::shared_ptr<const ParameterSet> built_;
  Version built_version_ = 0;
  std::thread thread_;
};

}  // namespace muster::coordinator
