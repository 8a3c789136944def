// What lies beside the store in a mirror: the newest version that was announced, and the files by
// which participants find their coordinator again.
#pragma once

#include <optional>
#include <string>

#include "common/error.h"
#include "common/ids.h"

namespace muster {

/// Notes in MIRROR/announced which version the coordinator announced last, so that a restore can
/// say how far behind the mirror was. Not synced. Errors: disk_full, io_failed.
Status NoteAnnounced(const std::string& mirror_dir, Version version);

/// Nothing if there is no note, or one that does not check out.
std::optional<Version> ReadAnnounced(const std::string& mirror_dir);

/// Copies coordinator.key (mode 0600), coordinator.pub and endpoints.json where they are there and
/// differ, each whole or not at all, durably. Errors: file_unreadable, disk_full, io_failed.
Status CopyIdentityFiles(const std::string& from_dir, const std::string& to_dir);

}  // namespace muster
