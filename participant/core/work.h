// The task at hand: order -> download of its base -> fit. Internal to participant/core.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "participant/core/delivery.h"

namespace muster::participant {

/// Trains what was asked last, at most one fit at a time, and hands the update to Delivery.
/// Invariant: while a fit runs nothing is retained, so update.bin has one owner.
class Work {
 public:
  Work(Context& context, Delivery& delivery) : context_(context), delivery_(delivery) {}

  void OnOrder(const TaskOrder& order);
  /// The coordinator does not want the task any more. Ignored unless it is the one at hand.
  void OnRefused(const Refused& refused);
  void OnChunk(const ChunkReceived& event);
  void OnChunkStored(const ChunkStored& event);
  void OnChunkRejected(const ChunkRejected& event);
  void OnModelChecked(const ModelChecked& event);
  /// The asked version is not held any more: a newer order will come. `task`: names that version.
  void OnModelGone(const std::optional<UpdateId>& task);
  /// The update is accepted. Where it goes on the next task may have come before that word.
  void OnHandedIn();
  void OnFitDone(const FitDone& event);
  void OnFitStopped(const FitStopped& event);
  void OnFitFailed(const FitFailed& event);
  void OnStateSaved() { Advance(); }
  void OnLinkLost();
  void OnTick();
  /// Begins nothing more; a running fit is stopped, its position saved if asked.
  void Halt(bool save_position);

  bool IsFitting() const { return fit_.has_value(); }
  bool IsDownloading() const { return order_ && download_ && download_->active; }
  std::optional<MonotonicMs> Deadline() const;

 private:
  struct Model {
    Version version = 0;
    Xxh128Digest digest{};
    bool Is(const TaskOrder& order) const {
      return version == order.base_version && digest == order.model_digest;
    }
  };
  struct Download {
    Model model;
    std::uint64_t bytes = 0;
    std::uint64_t stored = 0;     ///< In the buffer.
    std::uint64_t expected = 0;   ///< Where the next chunk must begin.
    std::uint64_t requested = 0;  ///< Asked for.
    std::uint32_t failures = 0;   ///< Wrong checksums and digests.
    std::uint32_t stalls = 0;     ///< Since the last progress.
    MonotonicMs asked_at = 0;     ///< Or last progress.
    bool active = false;          ///< Asked for in this session.
  };
  struct Fit {
    UpdateId id;
    bool stopping = false;
  };

  bool IsPast(const TaskOrder& order) const;
  void Advance();
  void ContinueDownload();
  void RequestFrom(std::uint64_t offset);
  void RequestMore();
  void RestartDownload();
  void StopRunningFit(bool save_position);

  Context& context_;
  Delivery& delivery_;
  std::map<UpdateId, Attempt> asked_;  ///< In this session, of the newest round: the last of each.
  /// Durable at the coordinator, of the newest round: a late copy of an order asks in vain.
  std::set<UpdateId> handed_in_;
  std::optional<TaskOrder> order_;  ///< What is wanted; gone once its update is retained.
  std::optional<Download> download_;
  std::optional<Model> model_;  ///< Held as a whole, digest checked.
  std::optional<Fit> fit_;
};

}  // namespace muster::participant
