// The retained update's way to the coordinator: offer -> grant -> chunks within credit -> accepted
// -> committed. Internal to participant/core.
#pragma once

#include <optional>
#include <string>

#include "participant/core/context.h"

namespace muster::participant {

/// Owns what becomes of DurableState::retained. Every question left unanswered is asked again.
class Delivery {
 public:
  enum class Stage : std::uint8_t {
    none,     ///< Nothing is retained.
    saving,   ///< The state that names it is not on disk yet.
    held,     ///< Kept until the coordinator asks for it.
    waiting,  ///< To be offered again at a set time.
    offering,
    uploading,
    accepted,  ///< As safe at the coordinator as the job asks for; kept until it is committed.
  };

  explicit Delivery(Context& context);

  Stage stage() const { return stage_; }
  /// The last update of this process's life that was told to be committed or, where it goes on
  /// (Context::GoesOn), accepted before the next task.
  const std::optional<UpdateId>& past() const { return past_; }
  /// A fit's update: saved first (unless the job accepts in memory), then offered.
  void Take(const RetainedUpdate& update);
  /// The coordinator's word on the update that hello named.
  void OnFate(const Welcome& welcome);
  /// A session began: nobody asks for what may count though it is of an older base.
  void OnSession();
  /// The coordinator asks for the retained id.
  void OnAsked();
  void OnGrant(const Grant& grant);
  void OnCredit(const UploadCredit& credit);
  void OnAccepted(const Accepted& accepted);
  void OnCommitted(const Committed& committed);
  /// REQUIRES: the refusal names the retained update.
  void OnRefused(const Refused& refused);
  void OnStateSaved();
  void OnBulkWritable();
  void OnLinkLost();
  void OnTick();
  /// Asks what became of the update, if the answer moves client state, or it may still count
  /// (Context::GoesOn) and was not accepted yet; else drops it as past.
  void SettleBefore(const UpdateId& newer);
  /// Forgets the update, which does not count: in the state first, where that names it, then its
  /// bytes, and with them the client state that it would have made.
  void Drop(Reason reason, const std::string& why);

  std::optional<MonotonicMs> Deadline() const;

 private:
  /// The update counts in `version`: its client state becomes the current one, and it is forgotten.
  void Count(Version version, const std::string& why);
  void Forget();
  bool IsRetained(const UpdateId& id) const;
  void Hold();
  void SendOffer();
  void SendChunks();
  void Wait(std::int64_t retry_ms);

  Context& context_;
  Stage stage_ = Stage::none;
  std::optional<UpdateId> past_;
  bool too_large_ = false;  ///< What is retained was refused as beyond the bounds.
  Token save_token_ = 0;
  std::optional<Token> forget_token_;
  bool promote_ = false;  ///< Upon forget_token_: what is forgotten counts, and made client state.
  MonotonicMs deadline_ = 0;  ///< waiting, offering, uploading: when it is offered (again).
  std::uint64_t sent_ = 0;    ///< Uploading: bytes given to the link.
  std::uint64_t stored_ = 0;  ///< Uploading: bytes the coordinator has stored.
  std::uint32_t stalls_ = 0;  ///< Grants whose bytes brought no word, since the last one.
  std::uint64_t credit_bytes_ = 0;
  std::uint32_t chunk_bytes_ = 0;
};

}  // namespace muster::participant
