// The way to the coordinator: connect -> hello -> welcome -> session, kept alive by leases, opened
// anew after a back-off with jitter. Internal to participant/core.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "participant/core/delivery.h"
#include "participant/core/trust.h"

namespace muster::participant {

class Session {
 public:
  enum class Stage : std::uint8_t {
    absent,  ///< No link; the next one is opened at a set time.
    connecting,
    greeting,  ///< Hello is said.
    settling,  ///< Welcomed; what that changes is being saved.
    established,
  };

  Session(Context& context, Delivery& delivery);

  Stage stage() const { return stage_; }
  bool HasLink() const { return stage_ != Stage::absent; }

  void Start() { Open(); }
  void OnLinkUp();
  /// True if there was a link to lose.
  bool OnLinkDown(Reason reason);
  void OnWelcome(const Fence& fence, const Welcome& welcome);
  /// A refusal that names no task: of the hello, or of the session.
  void OnRefused(const Refused& refused);
  void OnStateSaved();
  void OnTick();
  /// Any message of the coordinator's: the link lives.
  void OnHeard() { heard_at_ = context_.now; }
  /// The loop stood still for so long: nobody else is to blame.
  void Forgive(std::int64_t gap_ms) { heard_at_ += gap_ms; }
  /// Closes the link and opens another one after a back-off.
  void Abandon(Reason reason, const std::string& text);

  std::optional<MonotonicMs> Deadline() const;
  std::string Waiting(MonotonicMs now) const;

 private:
  void Open();
  void SayHello();
  void Follow(const Welcome& welcome, const Fence& fence, WelcomeVerdict verdict);
  void Retry(Reason reason, const std::string& text, std::int64_t at_least_ms);
  std::int64_t BackOffMs(bool longest);

  Context& context_;
  Delivery& delivery_;
  Stage stage_ = Stage::absent;
  MonotonicMs deadline_ = 0;  ///< absent: opens; connecting, greeting: gives up.
  MonotonicMs heard_at_ = 0;
  MonotonicMs renewed_at_ = 0;
  std::int64_t lease_ms_ = 0;
  std::uint64_t links_ = 0;     ///< Opened by this process: keys the jitter.
  std::uint32_t failures_ = 0;  ///< Since the last session.
  Token settled_token_ = 0;
  std::optional<Hello::Retained> said_retained_;  ///< Of the last hello.
};

}  // namespace muster::participant
