// How the mirror of a state does.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/error.h"
#include "common/ids.h"

namespace muster::coordinator {

struct MirrorStatus {
  std::string dir;
  std::optional<Version> version;  ///< The newest that is there; nothing: none, or not known yet.
  Version committed = 0;           ///< The coordinator's newest.
  std::uint64_t failures = 0;      ///< Tries that failed since the process began.
  /// Versions of the state that are left out for damage, and what it is; the copy goes on with the
  /// others.
  std::map<Version, std::string> damaged;
  /// It lies on the volume of the state, as far as the system says: what loses one loses both.
  bool same_volume = false;
  std::optional<Error> error;  ///< Why the last try failed; nothing: it did not.

  /// Versions that a restore from the mirror would miss now.
  std::uint64_t behind() const {
    if (!version) return committed + 1;
    return committed > *version ? committed - *version : 0;
  }
};

/// {"dir","version","behind","failures","damaged","same_volume","reason","message"}: version null
/// if there is none, damaged the numbers of the versions left out, reason and message null while it
/// goes well.
std::string MirrorJson(const MirrorStatus& status);

}  // namespace muster::coordinator
