// The threads that check update chunks and write them to the spool.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "aggregation/update_checker.h"
#include "coordinator/core/effects.h"
#include "coordinator/runtime/inbox.h"
#include "coordinator/runtime/payload_table.h"
#include "coordinator/runtime/shared_spool.h"
#include "model/parameter_set.h"

namespace muster::coordinator {

/// Chunks of one upload go through in order, those of different uploads side by side. An extent is
/// written by one thread at a time, also where an upload was closed and its extent given to another
/// while a chunk was still being written. After a chunk was rejected, the upload's later chunks are
/// dropped without an answer.
///
/// Its calls come from the loop thread and return at once. Bound: the payloads are parked, and
/// bounded, in the payload table; each is dropped there when its chunk is done with.
class UploadWorkers {
 public:
  /// `layout`: of an update. All references must outlive the workers. REQUIRES: thread_count > 0,
  /// a layout that UpdateChecker takes.
  UploadWorkers(ParameterLayout layout, std::size_t thread_count, PayloadTable& payloads,
                SharedSpool& spool, Inbox& inbox);
  /// As Finish.
  ~UploadWorkers();

  void Do(const OpenUpload& effect);
  void Do(const StoreChunk& effect);
  void Do(const CloseUpload& effect);

  /// Ends and joins the threads after the chunks they are at; what waits is forgotten.
  void Finish();

 private:
  struct Upload {
    explicit Upload(UpdateChecker made) : checker(std::move(made)) {}
    UploadId id = 0;
    std::uint32_t extent = 0;
    std::uint64_t bytes = 0;
    // Guarded by mutex_.
    std::deque<StoreChunk> waiting;
    bool queued = false;
    bool rejected = false;
    // The running worker's own.
    UpdateChecker checker;
    std::uint64_t stored = 0;
  };

  void Run();
  /// Queues the open upload of an extent if it has work and nobody writes there.
  void Schedule(std::uint32_t extent);
  /// False if the chunk was rejected.
  bool Store(Upload& upload, const StoreChunk& chunk);
  void DropWaiting(Upload& upload);

  const ParameterLayout layout_;
  PayloadTable& payloads_;
  SharedSpool& spool_;
  Inbox& inbox_;

  std::mutex mutex_;
  std::condition_variable ready_changed_;
  bool stopping_ = false;
  std::map<UploadId, std::shared_ptr<Upload>> uploads_;         ///< Those open.
  std::map<std::uint32_t, std::shared_ptr<Upload>> by_extent_;  ///< The same.
  std::set<std::uint32_t> busy_extents_;                        ///< Being written now.
  std::deque<std::shared_ptr<Upload>> ready_;
  std::vector<std::thread> threads_;
};

}  // namespace muster::coordinator
