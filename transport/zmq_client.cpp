#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "common/file.h"
#include "common/limits.h"
#include "transport/internal/client_connection.h"
#include "transport/wake.h"
#include "transport/zmq_transport.h"

namespace muster {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array kChannels = {Channel::control, Channel::bulk};
constexpr int kReadyMax = 256;
constexpr std::size_t kMessagesPerTurn = 8;  // Then other sockets have their turn.

/// Links are never reused within a process, whichever client they belonged to.
std::atomic<LinkId>& NextLink() {
  static std::atomic<LinkId> next{1};
  return next;
}

/// One descriptor of one link, as epoll hands it back. 0 is the wake flag.
using Token = std::uint64_t;
enum class Part : std::uint8_t { dealer = 0, monitor = 1 };

Token TokenOf(LinkId link, Channel channel, Part part) {
  return link << 2 | static_cast<Token>(channel) << 1 | static_cast<Token>(part);
}
LinkId LinkOf(Token token) { return token >> 2; }
Channel ChannelOf(Token token) { return static_cast<Channel>(token >> 1 & 1); }
Part PartOf(Token token) { return static_cast<Part>(token & 1); }

/// Control comes first; a ticket that comes over it opens bulk; with both the link is up.
struct Link {
  enum class State : std::uint8_t { opening, up, down };
  State state = State::opening;
  Clock::time_point deadline;  ///< To come up; once bulk is lost, for control's last words.
  std::string bulk_endpoint;
  bool asked = false;                                            ///< For a ticket.
  std::array<std::unique_ptr<ClientConnection>, 2> connections;  ///< Bulk's null at first.

  std::unique_ptr<ClientConnection>& at(Channel channel) {
    return connections[static_cast<std::size_t>(channel)];
  }
  ClientConnection& of(Channel channel) { return *at(channel); }
};

class ZmqClient final : public ClientTransport {
 public:
  ZmqClient(zmq::context_t context, std::vector<KeyPair> identities)
      : context_(std::move(context)),
        identities_(std::move(identities)),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    MUSTER_CHECK(epoll_.valid(), "an epoll instance can be made");
    Watch(wake_.fd(), 0);
  }

  Result<LinkId> Open(std::size_t identity, const Target& target) override;
  void Close(LinkId id) override;
  SendResult Send(LinkId id, Channel channel, Frame frame) override;
  void Poll(std::chrono::milliseconds timeout, std::vector<ClientEvent>& events) override;
  void Wake() override { wake_.Set(); }

 private:
  void Watch(int fd, Token token);
  void Unwatch(int fd);
  /// Notes that the socket may have something: ZeroMQ's descriptor tells only of what came since
  /// the socket was last used, so whoever used it must look again before waiting.
  void Queue(Token token);
  bool Collect(std::chrono::milliseconds patience);
  void ServeQueue(std::vector<ClientEvent>& events, std::size_t events_max);
  void ServeMonitor(LinkId id, Link& link, Channel channel, std::vector<ClientEvent>& events);
  void ServeOpening(LinkId id, Link& link, Channel channel, std::vector<ClientEvent>& events);
  void AskForTicket(LinkId id, Link& link, std::vector<ClientEvent>& events);
  /// Nothing if it could not even begin.
  Status OpenBulk(LinkId id, Link& link, BulkTicket ticket);
  void Attach(LinkId id, Link& link, Channel channel, std::unique_ptr<ClientConnection> connection);
  bool ServeDealer(LinkId id, Link& link, Channel channel, std::size_t messages_max,
                   std::vector<ClientEvent>& events);
  void GoDown(LinkId id, Link& link, Reason reason, std::vector<ClientEvent>& events);
  void ExpireDeadlines(std::vector<ClientEvent>& events);
  std::chrono::milliseconds PatienceUntil(Clock::time_point deadline) const;

  zmq::context_t context_;
  std::vector<KeyPair> identities_;
  FileDescriptor epoll_;
  WakeFlag wake_;
  std::map<LinkId, Link> links_;
  std::set<std::pair<Clock::time_point, LinkId>> deadlines_;
  std::deque<Token> queue_;
  std::set<Token> queued_;
  bool was_full_ = false;
};

void ZmqClient::Watch(int fd, Token token) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = token;
  MUSTER_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0, "epoll takes a descriptor");
}

void ZmqClient::Unwatch(int fd) {
  MUSTER_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0,
               "epoll knows the descriptor");
}

void ZmqClient::Queue(Token token) {
  if (queued_.insert(token).second) queue_.push_back(token);
}

Result<LinkId> ZmqClient::Open(std::size_t identity, const Target& target) {
  MUSTER_CHECK(identity < identities_.size(), "an identity that the client was made with");
  const LinkId id = NextLink().fetch_add(1);
  Link link;
  link.deadline = Clock::now() + std::chrono::milliseconds(limits::kLinkOpenMsMax);
  link.bulk_endpoint = target.bulk_endpoint;
  auto control = ClientConnection::OpenControl(context_, target.control_endpoint, target.server_key,
                                               identities_[identity],
                                               TokenOf(id, Channel::control, Part::dealer));
  if (!control.has_value()) return control.error();
  Attach(id, link, Channel::control, std::move(*control));
  deadlines_.emplace(link.deadline, id);
  links_.emplace(id, std::move(link));
  return id;
}

void ZmqClient::Attach(LinkId id, Link& link, Channel channel,
                       std::unique_ptr<ClientConnection> connection) {
  link.at(channel) = std::move(connection);
  Watch(link.of(channel).dealer_fd(), TokenOf(id, channel, Part::dealer));
  Watch(link.of(channel).monitor_fd(), TokenOf(id, channel, Part::monitor));
  Queue(TokenOf(id, channel, Part::monitor));
}

void ZmqClient::Close(LinkId id) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  for (const Channel channel : kChannels) {
    if (found->second.at(channel) == nullptr) continue;
    Unwatch(found->second.of(channel).dealer_fd());
    Unwatch(found->second.of(channel).monitor_fd());
  }
  deadlines_.erase({found->second.deadline, id});
  links_.erase(found);
}

SendResult ZmqClient::Send(LinkId id, Channel channel, Frame frame) {
  const auto found = links_.find(id);
  if (found == links_.end() || found->second.state == Link::State::down) return SendResult::gone;
  if (found->second.state == Link::State::opening) {
    was_full_ = true;
    return SendResult::full;
  }
  Queue(TokenOf(id, channel, Part::dealer));
  const SendResult result = found->second.of(channel).Send(std::move(frame));
  if (result == SendResult::full) was_full_ = true;
  return result;
}

void ZmqClient::Poll(std::chrono::milliseconds timeout, std::vector<ClientEvent>& events) {
  if (std::exchange(was_full_, false)) {
    timeout = std::min(timeout, std::chrono::milliseconds(limits::kFullRetryMs));
  }
  const auto deadline = Clock::now() + timeout;
  const std::size_t before = events.size();
  bool woken = Collect(std::chrono::milliseconds(0));
  for (;;) {
    ServeQueue(events, before + limits::kPollMessagesMax);
    ExpireDeadlines(events);
    if (woken || events.size() > before || Clock::now() >= deadline) return;
    woken = Collect(PatienceUntil(deadline));
  }
}

std::chrono::milliseconds ZmqClient::PatienceUntil(Clock::time_point deadline) const {
  if (!queue_.empty()) return std::chrono::milliseconds(0);
  if (!deadlines_.empty()) deadline = std::min(deadline, deadlines_.begin()->first);
  return LeftUntil(deadline);
}

/// Queues the sockets that have news. True if the wake flag was set.
bool ZmqClient::Collect(std::chrono::milliseconds patience) {
  std::array<epoll_event, kReadyMax> ready;
  const int count =
      epoll_wait(epoll_.get(), ready.data(), kReadyMax, static_cast<int>(patience.count()));
  MUSTER_CHECK(count >= 0 || errno == EINTR, "an epoll instance can be waited for");
  bool woken = false;
  for (int i = 0; i < count; ++i) {
    const Token token = ready[static_cast<std::size_t>(i)].data.u64;
    if (token == 0) {
      woken = wake_.Take();
    } else {
      Queue(token);
    }
  }
  return woken;
}

void ZmqClient::ServeQueue(std::vector<ClientEvent>& events, std::size_t events_max) {
  while (!queue_.empty() && events.size() < events_max) {
    const Token token = queue_.front();
    queue_.pop_front();
    queued_.erase(token);
    const LinkId id = LinkOf(token);
    const auto found = links_.find(id);
    if (found == links_.end()) continue;
    if (PartOf(token) == Part::monitor) {
      ServeMonitor(id, found->second, ChannelOf(token), events);
    } else if (found->second.state == Link::State::up) {
      const std::size_t turn = std::min(kMessagesPerTurn, events_max - events.size());
      if (ServeDealer(id, found->second, ChannelOf(token), turn, events)) Queue(token);
      if (found->second.of(ChannelOf(token)).broken()) {
        GoDown(id, found->second, Reason::connection_lost, events);
      }
    } else {
      ServeOpening(id, found->second, ChannelOf(token), events);
    }
  }
}

void ZmqClient::ServeMonitor(LinkId id, Link& link, Channel channel,
                             std::vector<ClientEvent>& events) {
  link.of(channel).DrainMonitor();
  if (link.state == Link::State::down) return;
  if (const auto lost = link.of(channel).lost()) {
    if (channel == Channel::bulk && link.state == Link::State::up) {
      // A server that goes often says why on the other connection, and that may be still to come.
      if (!deadlines_.contains({link.deadline, id})) {
        link.deadline = Clock::now() + std::chrono::milliseconds(limits::kLastWordsMs);
        deadlines_.emplace(link.deadline, id);
      }
    } else {
      GoDown(id, link, *lost, events);
    }
  } else if (link.state == Link::State::opening && link.of(Channel::control).ready() &&
             !link.asked) {
    AskForTicket(id, link, events);
  } else if (link.state == Link::State::opening && link.at(Channel::bulk) != nullptr &&
             link.of(Channel::bulk).ready()) {
    link.state = Link::State::up;
    deadlines_.erase({link.deadline, id});
    events.push_back({id, LinkUp{}});
    for (const Channel each : kChannels) Queue(TokenOf(id, each, Part::dealer));
  }
}

void ZmqClient::AskForTicket(LinkId id, Link& link, std::vector<ClientEvent>& events) {
  link.asked = true;
  Queue(TokenOf(id, Channel::control, Part::dealer));
  const SendResult sent = link.of(Channel::control).Send({EncodeTicketRequest(), {}});
  if (sent != SendResult::sent) GoDown(id, link, Reason::connection_lost, events);
}

/// Before the link is up its dealers have nothing for us but the ticket; their commands must be
/// served.
void ZmqClient::ServeOpening(LinkId id, Link& link, Channel channel,
                             std::vector<ClientEvent>& events) {
  link.of(channel).Serve();
  if (channel != Channel::control || link.state != Link::State::opening ||
      link.at(Channel::bulk) != nullptr) {
    return;
  }
  auto ticket = link.of(Channel::control).ReceiveTicket();
  if (!ticket) return;
  const Status opened =
      ticket->has_value() ? OpenBulk(id, link, std::move(**ticket)) : Status(ticket->error());
  if (!opened) GoDown(id, link, opened.error().reason, events);
}

Status ZmqClient::OpenBulk(LinkId id, Link& link, BulkTicket ticket) {
  auto bulk = ClientConnection::OpenBulk(context_, link.bulk_endpoint, std::move(ticket),
                                         TokenOf(id, Channel::bulk, Part::dealer));
  MUSTER_TRY(bulk);
  Attach(id, link, Channel::bulk, std::move(*bulk));
  return {};
}

/// Takes what has arrived. True if there may be more than `messages_max`.
bool ZmqClient::ServeDealer(LinkId id, Link& link, Channel channel, std::size_t messages_max,
                            std::vector<ClientEvent>& events) {
  for (std::size_t i = 0; i < messages_max; ++i) {
    auto frame = link.of(channel).Receive();
    if (!frame) return false;
    events.push_back({id, ClientMessage{channel, std::move(*frame)}});
  }
  return true;
}

void ZmqClient::GoDown(LinkId id, Link& link, Reason reason, std::vector<ClientEvent>& events) {
  if (link.state == Link::State::up) {
    // What came before the end is still good: often it says why the end came.
    for (const Channel channel : kChannels) {
      ServeDealer(id, link, channel, limits::kSocketHighWaterMessages, events);
    }
  }
  for (const Channel channel : kChannels) {
    if (link.at(channel) != nullptr) link.of(channel).Abandon();
  }
  deadlines_.erase({link.deadline, id});
  link.state = Link::State::down;
  events.push_back({id, LinkDown{reason}});
}

void ZmqClient::ExpireDeadlines(std::vector<ClientEvent>& events) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= Clock::now()) {
    const LinkId id = deadlines_.begin()->second;
    Link& link = links_.at(id);
    const bool opening = link.state == Link::State::opening;
    GoDown(id, link, opening ? Reason::timeout : Reason::connection_lost, events);
  }
}

}  // namespace

Result<std::unique_ptr<ClientTransport>> MakeZmqClient(std::vector<KeyPair> identities) {
  auto context = MakeZmqContext();
  if (!context.has_value()) return context.error();
  return Result<std::unique_ptr<ClientTransport>>(
      std::make_unique<ZmqClient>(std::move(*context), std::move(identities)));
}

}  // namespace muster
