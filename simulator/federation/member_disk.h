// A participant's state directory (participant/runtime/fit.h, StatePaths) as variables: what lies
// there outlives the process, and it fails as a directory on a bad or full volume does.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "common/bytes.h"
#include "common/error.h"
#include "participant/core/events.h"
#include "simulator/world/world.h"

namespace muster::simulator {

/// Files are replaced whole, by a rename: a write that failed left the old one, or the new one if
/// only the sync of the directory failed. Not thread-safe.
class MemberDisk {
 public:
  using Update = std::shared_ptr<const Bytes>;
  /// What a start finds, as participant/runtime/member.cpp.
  struct Opened {
    participant::DurableState state;
    Update update;
    bool forgets = false;         ///< The update that the state names has other bytes.
    bool forgets_client = false;  ///< Of a client state that it names.
  };

  /// `world` must outlive it.
  MemberDisk(World& world, Actor actor) : world_(world), actor_(actor) {}

  /// Errors: damage (a bit of the state file flipped).
  Result<Opened> Open();
  /// What the newest state that was written knows of coordinators.
  const std::optional<SeenState>& seen() const { return state_.seen; }

  /// Errors of all of these: disk_full, io_failed, by the faults that this asks for.
  Status SaveState(const participant::DurableState& state);
  Status SaveUpdate(const Update& update);
  Status SaveClientNext(const Update& client);
  Status PromoteClient();
  Status SavePosition(const UpdateId& id, Version base_version, Version client_version);
  /// With client.next.
  Status ForgetUpdate();
  Status ForgetPosition();
  /// Whether the fit goes on from where it was stopped; a position of another one is removed.
  bool TakeUpPosition(const UpdateId& id, Version base_version, Version client_version);
  /// The bytes of client.bin that `held` describes; null if it holds others.
  Update ReadClient(const participant::ClientBytes& held);

  /// Of a file that was being replaced when the process was killed.
  void PutState(const participant::DurableState& state);
  void PutUpdate(const Update& update);
  void PutClientNext(const Update& client);

  bool HoldsAny() const { return state_.job.has_value(); }
  /// A bit of one file flips; returns its name. REQUIRES: HoldsAny.
  std::string_view Rot(std::uint64_t value);
  void Fill(Micros until) { full_until_ = std::max(full_until_, until); }
  /// The volume has room again.
  void Heal() { full_until_ = 0; }
  /// An empty directory on a sound volume.
  void Clear();

 private:
  struct Position {
    UpdateId id;
    Version base_version = 0;
    Version client_version = 0;
    bool rotted = false;
  };

  bool HoldsUpdateOf(const participant::DurableState& state) const;
  void OpenClient(Opened& opened);
  /// `put` replaces the file.
  template <typename Put>
  Status Write(const char* file, Put put);
  template <typename Drop>
  Status Remove(const char* file, Drop drop);

  World& world_;
  const Actor actor_;
  participant::DurableState state_;
  std::optional<Bytes> rotted_state_;  ///< The state file, if a bit of it flipped.
  Update update_;
  Update client_, client_next_;
  std::optional<Position> position_;
  /// A bit of the update flipped, or was found flipped and the state was not written since: it may
  /// name an update that is not there.
  bool update_lost_ = false;
  bool client_lost_ = false;  ///< A bit of a client state flipped.
  Micros full_until_ = 0;
};

}  // namespace muster::simulator
