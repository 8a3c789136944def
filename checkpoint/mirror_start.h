// What a start asks of the mirror before it makes anything: a state that is lost is restored, and
// not begun anew beside its copy. Reads a few small files; the mirror itself is opened later.
#pragma once

#include <string>

#include "common/error.h"

namespace muster {

/// Whether anything of a state is in the directory, a damaged or half made one's included. What
/// cannot be looked at counts as something.
bool HoldsAnyState(const std::string& state_dir);

/// Success unless the mirror holds something, which a state that holds no version yet cannot have
/// given it. A mirror that cannot be read, or is the state directory itself, is told of by
/// whoever opens it. Errors: mirror_ahead.
Status CheckMirrorIsNew(const std::string& mirror_dir, const std::string& state_dir);

}  // namespace muster
