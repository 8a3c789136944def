#include "simulator/federation/member_disk.h"

#include <string>
#include <utility>

#include "common/digest.h"
#include "participant/runtime/state_file.h"

namespace muster::simulator {
namespace {

void FlipBit(Bytes& bytes, std::uint64_t which) {
  const std::uint64_t bit = which % (8 * bytes.size());
  bytes[bit / 8] ^= std::byte{1} << (bit % 8);
}

bool Holds(const MemberDisk::Update& file, const participant::ClientBytes& held) {
  return file != nullptr && file->size() == held.bytes && Xxh128Of(*file) == held.digest;
}

MemberDisk::Update Flipped(const MemberDisk::Update& file, std::uint64_t which) {
  auto flipped = std::make_shared<Bytes>(*file);
  FlipBit(*flipped, which);
  return flipped;
}

}  // namespace

Result<MemberDisk::Opened> MemberDisk::Open() {
  if (rotted_state_) {
    const auto read = participant::DecodeState(*rotted_state_);
    if (!read) return read.error();
    world_.Violate("a flipped bit of a participant's state file is not noticed");
  }
  Opened opened{state_, nullptr};
  if (state_.retained && HoldsUpdateOf(state_)) {
    opened.update = update_;
  } else if (state_.retained) {
    world_.Expect(update_lost_, "a participant has other bytes than those its state names");
    opened.state.retained.reset();
    opened.forgets = true;
  } else {
    update_.reset();  // Of a fit that ended in the moment of a crash.
  }
  if (!opened.forgets) update_lost_ = false;
  OpenClient(opened);
  return opened;
}

void MemberDisk::OpenClient(Opened& opened) {
  std::optional<participant::ClientState>& current = opened.state.client;
  if (current && !Holds(client_, current->held) && Holds(client_next_, current->held)) {
    client_ = client_next_;
  }
  if (current && !Holds(client_, current->held)) {
    current.reset();
    opened.forgets_client = true;
  }
  if (!current) client_.reset();
  std::optional<participant::RetainedUpdate>& retained = opened.state.retained;
  if (retained && retained->client_next) {
    if (Holds(client_next_, *retained->client_next)) return;
    retained->client_next.reset();
    opened.forgets_client = true;
  }
  client_next_.reset();
  world_.Expect(!opened.forgets_client || client_lost_,
                "a participant has another client state than its state names");
}

template <typename Put>
Status MemberDisk::Write(const char* file, Put put) {
  if (world_.now() < full_until_) {
    return Error{Reason::disk_full, std::string("write ") + file + ": no space left"};
  }
  const auto value = world_.Ask(FaultKind::member_error, actor_);
  if (!value || *value % 2 == 0) put();
  if (!value) return {};
  ++world_.happened().member_disk_errors;
  const Error error{Reason::io_failed,
                    std::string(*value % 2 == 0 ? "sync the directory of " : "write ") + file +
                        ": input/output error"};
  if (world_.telling()) world_.Tell(actor_, "its disk fails: " + error.message);
  return error;
}

template <typename Drop>
Status MemberDisk::Remove(const char* file, Drop drop) {
  if (world_.Happens(FaultKind::member_error, actor_)) {
    ++world_.happened().member_disk_errors;
    const Error error{Reason::io_failed, std::string("remove ") + file + ": input/output error"};
    if (world_.telling()) world_.Tell(actor_, "its disk fails: " + error.message);
    return error;
  }
  drop();
  return {};
}

Status MemberDisk::SaveState(const participant::DurableState& state) {
  return Write("state.bin", [&] { PutState(state); });
}
Status MemberDisk::SaveUpdate(const Update& update) {
  return Write("update.bin", [&] { PutUpdate(update); });
}
Status MemberDisk::SaveClientNext(const Update& client) {
  return Write("client.next", [&] { PutClientNext(client); });
}
Status MemberDisk::PromoteClient() {
  return Write("client.bin", [this] { client_ = std::exchange(client_next_, nullptr); });
}
Status MemberDisk::SavePosition(const UpdateId& id, Version base_version, Version client_version) {
  return Write("position.bin", [&] { position_ = Position{id, base_version, client_version}; });
}
Status MemberDisk::ForgetUpdate() {
  return Remove("update.bin", [this] {
    update_.reset();
    client_next_.reset();
  });
}
Status MemberDisk::ForgetPosition() {
  return Remove("position.bin", [this] { position_.reset(); });
}

bool MemberDisk::TakeUpPosition(const UpdateId& id, Version base_version, Version client_version) {
  if (!position_ || position_->rotted) return false;
  if (position_->id == id && position_->base_version == base_version &&
      position_->client_version == client_version) {
    return true;
  }
  position_.reset();
  return false;
}

bool MemberDisk::HoldsUpdateOf(const participant::DurableState& state) const {
  return update_ != nullptr && update_->size() == state.retained->bytes &&
         Xxh128Of(*update_) == state.retained->digest;
}

void MemberDisk::PutState(const participant::DurableState& state) {
  state_ = state;
  if (update_lost_) update_lost_ = state_.retained && !HoldsUpdateOf(state_);
  rotted_state_.reset();
}

void MemberDisk::PutUpdate(const Update& update) { update_ = update; }
void MemberDisk::PutClientNext(const Update& client) { client_next_ = client; }

MemberDisk::Update MemberDisk::ReadClient(const participant::ClientBytes& held) {
  if (Holds(client_, held)) return client_;
  world_.Expect(client_lost_, "a participant begins from another client state than it names");
  return nullptr;
}

std::string_view MemberDisk::Rot(std::uint64_t value) {
  const std::uint64_t which = value / 4;
  switch (value % 4) {
    case 0:
      if (position_) {
        position_->rotted = true;
        return "position.bin";
      }
      [[fallthrough]];
    case 1:
      if (state_.retained && update_ != nullptr) {
        update_ = Flipped(update_, which);
        update_lost_ = true;
        return "update.bin";
      }
      [[fallthrough]];
    case 2:
      if (client_ != nullptr) {
        client_ = Flipped(client_, which);
        client_lost_ = true;
        return "client.bin";
      }
      if (client_next_ != nullptr) {
        client_next_ = Flipped(client_next_, which);
        client_lost_ = true;
        return "client.next";
      }
      [[fallthrough]];
    default:
      rotted_state_ = participant::EncodeState(state_);
      FlipBit(*rotted_state_, which);
      return "state.bin";
  }
}

void MemberDisk::Clear() {
  state_ = {};
  rotted_state_.reset();
  update_.reset();
  client_.reset();
  client_next_.reset();
  position_.reset();
  update_lost_ = false;
  client_lost_ = false;
  full_until_ = 0;
}

}  // namespace muster::simulator
