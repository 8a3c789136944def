// What the world outside has been told, and whoever looks on.
#pragma once

#include <functional>
#include <tuple>
#include <type_traits>
#include <vector>

#include "checkpoint/store.h"
#include "common/bytes.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/ids.h"
#include "coordinator/core/core.h"
#include "participant/core/core.h"

namespace muster::simulator {

/// What a training gave.
struct Trained {
  UpdateId id;
  std::uint64_t steps = 0;  ///< Of the local optimizer.
  ByteSpan update;
  Version client_version = 0;  ///< Of the client state that it began from; 0: fresh.
  ByteSpan client;             ///< Its bytes; empty: fresh.
  ByteSpan client_next;        ///< The one that it gave; empty: the job keeps none.
};

/// Sees what the processes of a run do, as it happens; changes nothing. Every call is optional. Of
/// a participant that was led to a second coordinator it sees nothing until it is back.
class Watcher {
 public:
  virtual ~Watcher() = default;
  /// A process of the coordinator has recovered; nothing was said yet.
  virtual void OnStart(const RecoveredState& /*recovered*/, CheckpointStore& /*store*/) {}
  virtual void OnEnd() {}  ///< It is gone: drained, finished, killed, without power.
  /// Before the core steps, and before an effect is performed.
  virtual void OnEvent(const coordinator::Event& /*event*/) {}
  virtual void OnEffect(const coordinator::Effect& /*effect*/) {}
  /// After a step and all of its effects; `now` is what the process's clock says.
  virtual void OnStepped(const coordinator::CoordinatorCore& /*core*/, MonotonicMs /*now*/) {}
  /// The batch was applied; it is durable if it is synced.
  virtual void OnWritten(const Batch& /*batch*/) {}
  /// These bytes of the upload are in the spool; those of one upload come in order.
  virtual void OnSpooled(coordinator::UploadId /*upload*/, ByteSpan /*bytes*/) {}
  /// What a process of `who` knows when it starts, before its first event, and when it is back from
  /// a second coordinator: of a crash, and of an empty directory, only this tells what was lost.
  virtual void OnParticipantStart(RosterIndex /*who*/, const participant::DurableState& /*state*/) {
  }
  virtual void OnParticipantEvent(RosterIndex /*who*/, const participant::Event& /*event*/) {}
  virtual void OnParticipantEffect(RosterIndex /*who*/, const participant::Effect& /*effect*/) {}
  /// After a step and all of its effects.
  virtual void OnParticipantStepped(RosterIndex /*who*/,
                                    const participant::ParticipantCore& /*core*/,
                                    MonotonicMs /*now*/) {}
  /// `who` begins to train `id` from these bytes, which it takes for `base_version`.
  virtual void OnFit(RosterIndex /*who*/, const UpdateId& /*id*/, Version /*base_version*/,
                     ByteSpan /*base*/) {}
  /// `who` has trained; nothing of it is on its disk yet.
  virtual void OnTrained(RosterIndex /*who*/, const Trained& /*trained*/) {}
};

/// Those who look on at one run.
class Watchers {
 public:
  /// From now on `watcher`, which must outlive this, is told of what its class overrides: most
  /// calls are for few of the twenty that look on, and a run makes millions.
  template <class Kind>
  void Add(Kind& watcher) {
    const int calls = AddTo<&Watcher::OnStart, &Kind::OnStart>(watcher) +
                      AddTo<&Watcher::OnEnd, &Kind::OnEnd>(watcher) +
                      AddTo<&Watcher::OnEvent, &Kind::OnEvent>(watcher) +
                      AddTo<&Watcher::OnEffect, &Kind::OnEffect>(watcher) +
                      AddTo<&Watcher::OnStepped, &Kind::OnStepped>(watcher) +
                      AddTo<&Watcher::OnWritten, &Kind::OnWritten>(watcher) +
                      AddTo<&Watcher::OnSpooled, &Kind::OnSpooled>(watcher) +
                      AddTo<&Watcher::OnParticipantStart, &Kind::OnParticipantStart>(watcher) +
                      AddTo<&Watcher::OnParticipantEvent, &Kind::OnParticipantEvent>(watcher) +
                      AddTo<&Watcher::OnParticipantEffect, &Kind::OnParticipantEffect>(watcher) +
                      AddTo<&Watcher::OnParticipantStepped, &Kind::OnParticipantStepped>(watcher) +
                      AddTo<&Watcher::OnFit, &Kind::OnFit>(watcher) +
                      AddTo<&Watcher::OnTrained, &Kind::OnTrained>(watcher);
    MUSTER_CHECK(calls > 0, "a watcher is added as what it is, not as its base");
  }

  /// In the order in which they were added.
  template <auto kCall, class... Told>
  void Tell(Told&&... told) {
    for (Watcher* watcher : std::get<Audience<kCall>>(audiences_).watchers) {
      (watcher->*kCall)(told...);
    }
  }

 private:
  template <auto kCall>
  struct Audience {
    std::vector<Watcher*> watchers;
  };

  // What a class does not override is a member of the one that it inherits it from.
  template <auto kCall, auto kOwn>
  int AddTo(Watcher& watcher) {
    constexpr bool kOverridden = !std::is_same_v<decltype(kCall), decltype(kOwn)>;
    if constexpr (kOverridden) std::get<Audience<kCall>>(audiences_).watchers.push_back(&watcher);
    return kOverridden ? 1 : 0;
  }

  std::tuple<Audience<&Watcher::OnStart>, Audience<&Watcher::OnEnd>, Audience<&Watcher::OnEvent>,
             Audience<&Watcher::OnEffect>, Audience<&Watcher::OnStepped>,
             Audience<&Watcher::OnWritten>, Audience<&Watcher::OnSpooled>,
             Audience<&Watcher::OnParticipantStart>, Audience<&Watcher::OnParticipantEvent>,
             Audience<&Watcher::OnParticipantEffect>, Audience<&Watcher::OnParticipantStepped>,
             Audience<&Watcher::OnFit>, Audience<&Watcher::OnTrained>>
      audiences_;
};

/// Who looks on, and what of a run those who disturb it go by.
struct Observer : Watchers {
  Version announced = 0;        ///< The newest version that an event told of.
  bool roster_changed = false;  ///< Participants were revoked, or got new keys, or will soon.
  bool copied = false;          ///< A second coordinator runs or ran on a copy of the state.
  /// Called when head or attempt of the open round moved, and at every start: a scenario decides by
  /// it who is there. The same call may come again.
  std::function<void(Version head, Attempt attempt)> on_progress;
};

}  // namespace muster::simulator
