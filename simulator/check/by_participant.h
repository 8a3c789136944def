// What a checker keeps of each participant.
#pragma once

#include <vector>

#include "common/ids.h"

namespace muster::simulator {

/// One Kind each, by index, as new until something is kept. A reference holds until another
/// participant is asked for.
template <class Kind>
class ByParticipant {
 public:
  Kind& operator[](RosterIndex who) {
    if (who >= of_.size()) of_.resize(who + std::size_t{1});
    return of_[who];
  }

 private:
  std::vector<Kind> of_;
};

}  // namespace muster::simulator
