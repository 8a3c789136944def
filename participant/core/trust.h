// Whether to believe a coordinator's welcome: the table of docs/architecture.md, "Fencing".
#pragma once

#include <optional>
#include <string>

#include "participant/core/core.h"

namespace muster::participant {

struct WelcomeVerdict {
  enum class Kind : std::uint8_t {
    follow,
    refuse_and_retry,  ///< This coordinator may be replaced by the right one.
    refuse_and_stop,   ///< Nothing that a retry could change.
  };
  Kind kind = Kind::follow;
  Reason reason = Reason::finished;  ///< Unless follow.
  std::string text;                  ///< Unless follow: who says what, what is known here.
  JobSpec job;                       ///< If follow.
  SeenState seen;                    ///< If follow: the newest state from now on.
  bool drop_retained = false;        ///< If follow: the lineage forked before the update's base.
  std::optional<Version> fork;       ///< If follow, another lineage: the last version of both.
};

/// A pure function. `fence` is that of the welcome's header.
WelcomeVerdict JudgeWelcome(const Welcome& welcome, const Fence& fence,
                            const ParticipantOptions& options, const DurableState& known);

}  // namespace muster::participant
