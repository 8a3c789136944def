// A participant as a deterministic state machine without I/O: Step(event, now) -> effects.
// See effects.h for the runtime's duties.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "participant/core/effects.h"
#include "participant/core/events.h"

namespace muster::participant {

struct ParticipantOptions {
  std::string name;
  Incarnation incarnation;
  std::uint64_t jitter_seed = 0;  ///< Of this process: participants must not come back in step.
  std::int64_t reconnect_ms_min = 50;
  std::int64_t reconnect_ms_max = 5'000;
  std::int64_t answer_ms = 5'000;  ///< hello, offer, model requests: asked again after this.
};

/// What it does, for `status` of the participant process and its logs.
enum class Activity : std::uint8_t {
  disconnected,
  connecting,
  greeting,
  idle,
  downloading,
  training,
  offering,
  uploading,
  retaining,
  saving,
  leaving,
  stopped,
};
std::string_view ActivityName(Activity activity);

/// Not thread-safe; deterministic.
class ParticipantCore {
 public:
  ParticipantCore(const ParticipantOptions& options, DurableState durable);
  ~ParticipantCore();

  /// The one way in. `now` never goes back.
  Effects Step(const Event& event, MonotonicMs now);

  Activity activity() const;
  /// One sentence: what is awaited, since when, what happens next.
  std::string Waiting(MonotonicMs now) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster::participant
