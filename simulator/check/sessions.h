// Who is in session with the coordinator, followed from outside: by hellos, welcomes and goodbyes.
// The checkers judge by it whether a message may change anything; it judges nothing.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "simulator/check/checker.h"
#include "simulator/check/ledger.h"

namespace muster::simulator {

/// What may come of the event of a step.
enum class Standing : std::uint8_t {
  no_message,    ///< It is no message of a peer.
  may_act,       ///< An enrolled peer in its session, or one that says hello.
  not_enrolled,  ///< The key is unknown, revoked, or another name's; or the bytes are no message.
  no_session,    ///< The link is of no session.
  ended,         ///< The hello of a process that said goodbye or was superseded.
  stale,         ///< The message names another lineage or epoch.
};

/// After the ledger among the watchers, before whoever asks it.
class Sessions : public Watcher {
 public:
  explicit Sessions(const Ledger& ledger) : ledger_(ledger) {}

  /// Of the step under way.
  Standing standing() const { return standing_; }
  /// Whose key came with the message, if it is enrolled; and on which link.
  std::optional<RosterIndex> speaker() const { return speaker_; }
  LinkId link() const { return link_; }
  const coordinator::Event* event() const { return event_; }

  /// Whose session the link is of. Nothing: of none.
  std::optional<RosterIndex> OwnerOf(LinkId link) const;
  std::size_t count() const { return sessions_.size(); }

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEvent(const coordinator::Event& event) override;
  void OnEffect(const coordinator::Effect& effect) override;

 private:
  struct Session {
    Incarnation incarnation;
    LinkId control = 0, bulk = 0;
  };

  Standing Judge(LinkId link, const PublicKey& key, const Fence& fence, const Message* message);
  Standing JudgeHello(const RosterEntry& entry, const Hello& hello) const;
  void Welcomed(LinkId link);
  void Left(const coordinator::Notice& notice);
  void Forget(LinkId link);

  const Ledger& ledger_;
  const coordinator::Event* event_ = nullptr;
  Standing standing_ = Standing::no_message;
  std::optional<RosterIndex> speaker_;
  LinkId link_ = 0;
  std::map<RosterIndex, Session> sessions_;
  std::map<LinkId, RosterIndex> links_;
  std::set<std::pair<RosterIndex, Incarnation>> ended_;
};

/// Whether an effect only refuses: what may come of a message that must not change anything.
bool OnlyRefuses(const coordinator::Effect& effect);

/// "StoreChunk", "task", ...: what an effect is, for sentences.
std::string EffectText(const coordinator::Effect& effect);

}  // namespace muster::simulator
