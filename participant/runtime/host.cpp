#include "participant/runtime/host.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "common/clock.h"
#include "common/limits.h"
#include "common/names.h"
#include "participant/runtime/host_loop.h"
#include "participant/runtime/member.h"
#include "transport/zmq_transport.h"

namespace muster {
namespace participant {
namespace {

/// How late a preemption notice may be seen by a process that waits for nothing else.
constexpr MonotonicMs kSignalMsMax = 50;
/// Polls without waiting that empty the inbox before timers fire; a peer that never stops talking
/// must not keep them from firing.
constexpr int kPollsPerTurnMax = 64;

/// True if the descriptor was readable; what was there is consumed.
bool TakeSignal(int signal_fd) {
  if (signal_fd < 0) return false;
  pollfd poll_fd{signal_fd, POLLIN, 0};
  if (poll(&poll_fd, 1, 0) != 1 || (poll_fd.revents & POLLIN) == 0) return false;
  // The size of a signalfd_siginfo; an eventfd gives 8 bytes.
  char buffer[128];
  return read(signal_fd, buffer, sizeof(buffer)) > 0;
}

class Host {
 public:
  Host(const HostOptions& options, ClientTransport& transport)
      : completions_([&transport] { transport.Wake(); }),
        training_(std::max(options.threads, 1U)),
        disk_(1),
        parts_{options, transport, completions_, training_, disk_, {}, MonotonicNow()} {}

  Status Open() {
    for (std::size_t i = 0; i < parts_.options.participants.size(); ++i) {
      Result<std::unique_ptr<Member>> member = Member::Open(parts_, i);
      if (!member) return member.error();
      members_.push_back(*std::move(member));
    }
    return {};
  }

  std::vector<RunOutcome> Run(int signal_fd) {
    for (auto& member : members_) member->Start();
    ended_.resize(members_.size());
    TellEnds();
    while (!AllEnded()) {
      Turn(signal_fd);
      TellEnds();
    }
    std::vector<RunOutcome> outcomes;
    for (const auto& member : members_) outcomes.push_back(*member->outcome());
    return outcomes;
  }

 private:
  bool AllEnded() const {
    return std::ranges::all_of(members_,
                               [](const auto& member) { return member->outcome().has_value(); });
  }

  void TellEnds() {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (ended_[i] || !members_[i]->outcome()) continue;
      ended_[i] = true;
      if (parts_.options.on_end) parts_.options.on_end(i, *members_[i]->outcome());
    }
  }

  /// Messages and completions first, timers last: what has arrived in time is seen in time.
  void Turn(int signal_fd) {
    Receive(WaitMs());
    if (TakeSignal(signal_fd)) {
      for (auto& member : members_) {
        if (!member->outcome()) member->OnStopRequested();
      }
    }
    for (Completion& completion : completions_.TakeAll()) {
      Member& member = *members_[completion.member];
      member.OnCompletion(std::move(completion));
    }
    for (auto& member : members_) member->OnTurn();
  }

  MonotonicMs WaitMs() const {
    MonotonicMs wait = kSignalMsMax;
    for (const auto& member : members_) {
      if (!member->outcome()) wait = std::min(wait, member->NextTurn() - parts_.now);
    }
    return std::max<MonotonicMs>(wait, 0);
  }

  void Receive(MonotonicMs wait_ms) {
    std::vector<ClientEvent> events;
    for (int i = 0; i < kPollsPerTurnMax; ++i) {
      events.clear();
      parts_.transport.Poll(std::chrono::milliseconds(i == 0 ? wait_ms : 0), events);
      parts_.now = MonotonicNow();
      if (events.empty()) return;
      for (ClientEvent& event : events) {
        // A link that was closed meanwhile has nothing to say any more.
        const auto found = parts_.links.find(event.link);
        if (found != parts_.links.end()) found->second->OnTransport(std::move(event));
      }
    }
  }

  Completions completions_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<bool> ended_;  ///< Of those that on_end was told.
  // After what their jobs use, so that they go first: a pool's destructor runs what it still holds.
  WorkerPool training_;
  WorkerPool disk_;
  HostParts parts_;
};

Status CheckOptions(const HostOptions& options) {
  if (options.participants.empty()) return Error{Reason::config_invalid, "there is no participant"};
  std::set<std::string> names;
  for (const ParticipantSpec& spec : options.participants) {
    if (!IsName(spec.name)) {
      return Error{Reason::config_invalid, "\"" + spec.name + "\" cannot name a participant"};
    }
    if (!names.insert(spec.name).second) {
      return Error{Reason::config_invalid, "participant " + spec.name + " is named twice"};
    }
  }
  return {};
}

}  // namespace

Result<std::vector<RunOutcome>> RunHost(const HostOptions& options, ClientTransport& transport,
                                        int signal_fd) {
  MUSTER_TRY(CheckOptions(options));
  Host host(options, transport);
  MUSTER_TRY(host.Open());
  return host.Run(signal_fd);
}

}  // namespace participant

Result<std::vector<RunOutcome>> RunParticipants(const HostOptions& options, int signal_fd) {
  std::vector<KeyPair> identities;
  for (const ParticipantSpec& spec : options.participants) {
    Result<KeyPair> keys = LoadKeyPair(participant::StatePaths(spec.state_dir).key);
    if (!keys) return keys.error();
    identities.push_back(*std::move(keys));
  }
  Result<std::unique_ptr<ClientTransport>> transport = MakeZmqClient(std::move(identities));
  if (!transport) return transport.error();
  return participant::RunHost(options, **transport, signal_fd);
}

}  // namespace muster
