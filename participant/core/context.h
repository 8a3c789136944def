// What the parts of the participant core share: the durable state, the time of this Step, the
// session's fence and the effects under way. Internal to participant/core.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "aggregation/strategy.h"
#include "participant/core/core.h"

namespace muster::participant {

class Context {
 public:
  Context(ParticipantOptions options_in, DurableState durable_in)
      : options(std::move(options_in)), durable(durable_in) {}

  const ParticipantOptions options;
  /// What the last SaveState holds or the one at the end of this Step will hold; of an update that
  /// is kept in memory alone, only this.
  DurableState durable;
  MonotonicMs now = 0;
  Effects effects;

  std::unique_ptr<const Strategy> strategy;  ///< The job's; known from the first welcome on.
  bool in_session = false;                   ///< The welcome was believed and its state is saved.
  Fence fence;                               ///< Of the session; meaningless without one.
  bool leaving = false;                      ///< Nothing new is begun any more.
  /// The job accepts in memory (AcceptOf): a trained update is kept in memory alone, and what is
  /// saved does not name it. It ends with the process.
  bool in_memory = false;
  /// Where updates of older bases count (async, late updates): how many versions behind the newest.
  std::optional<std::uint32_t> staleness_max;
  /// Whether work on `older` may still count beside a task on `newer`, so it goes on first.
  /// REQUIRES: older <= newer.
  bool GoesOn(const UpdateId& older, const UpdateId& newer) const {
    return staleness_max && older.lineage == newer.lineage &&
           newer.round - older.round <= *staleness_max;
  }

  void Emit(auto effect) { effects.emplace_back(std::move(effect)); }
  void Say(NoticeKind kind, std::string text, Reason reason) {
    Emit(Notice{kind, std::move(text), reason});
  }
  /// A message that was not acted upon.
  void Ignore(std::string text, Reason reason) {
    Say(NoticeKind::ignored, std::move(text), reason);
  }
  void SendControl(Message message) { Emit(Send{std::move(message), fence}); }

  /// Has `durable` written at the end of this Step; several calls in one Step are one write.
  /// StateSaved of the token says that it is on disk.
  Token Save() {
    if (!save_wanted_) ++last_token_;
    save_wanted_ = true;
    return last_token_;
  }
  void OnSaved(Token token) { saved_token_ = std::max(saved_token_, token); }
  bool IsSaved(Token token) const { return token <= saved_token_; }
  bool AllSaved() const { return saved_token_ == last_token_; }
  /// Emits what Save asked for.
  void FlushSave() {
    if (!std::exchange(save_wanted_, false)) return;
    DurableState state = durable;
    if (in_memory) state.retained.reset();
    Emit(SaveState{last_token_, state});
  }

  /// The coordinator it believes has told of `version`.
  void SawVersion(Version version) {
    if (durable.seen) durable.seen->version = std::max(durable.seen->version, version);
  }

  struct Ending {
    Reason reason;
    std::string text;
  };
  /// The link is of no use any more: dropped at the end of the Step, opened anew after a back-off.
  void GiveUpLink(Reason reason, std::string text) {
    give_up_link = Ending{reason, std::move(text)};
  }
  /// The participant ends at the end of the Step. The first reason given stands.
  void End(Reason reason, std::string text) {
    if (!end) end = Ending{reason, std::move(text)};
  }
  std::optional<Ending> give_up_link;
  std::optional<Ending> end;

 private:
  Token last_token_ = 0;
  Token saved_token_ = 0;
  bool save_wanted_ = false;
};

}  // namespace muster::participant
