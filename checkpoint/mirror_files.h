// What lies beside the store in a mirror: what was announced last, and the files by which
// participants find their coordinator again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/error.h"
#include "common/ids.h"

namespace muster {

/// What the coordinator told its participants last.
struct Announced {
  Version version = 0;
  std::uint32_t lineage = 0;  ///< The newest one's number.
  friend bool operator==(const Announced&, const Announced&) = default;
};

/// Notes it in MIRROR/announced, so that a restore can say how far behind the mirror was, and uses
/// no number again. Not synced. Errors: disk_full, io_failed.
Status NoteAnnounced(const std::string& mirror_dir, const Announced& announced);

/// Nothing if there is no note, or one that does not check out.
std::optional<Announced> ReadAnnounced(const std::string& mirror_dir);

/// Success unless the directory holds such a note, whole or not: whoever trains in a mirror or
/// changes it has neither a state nor a mirror of one. Errors: config_invalid.
Status CheckIsNoMirror(const std::string& state_dir);

/// Copies coordinator.key (mode 0600), coordinator.pub and endpoints.json where they are there and
/// differ, each whole or not at all, durably. Errors: file_unreadable, disk_full, io_failed.
Status CopyIdentityFiles(const std::string& from_dir, const std::string& to_dir);

}  // namespace muster
