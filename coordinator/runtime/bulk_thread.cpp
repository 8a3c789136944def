#include "coordinator/runtime/bulk_thread.h"

#include <utility>

#include "coordinator/runtime/bulk_link.h"

namespace muster::coordinator {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kIdlePoll{250};
/// A transport does not say when a slow peer can take more: it is tried this often.
constexpr milliseconds kRetryPoll{2};
/// How often a full house looks for room. Room comes from threads that work on local disks.
constexpr milliseconds kRoomPoll{1};

}  // namespace

BulkThread::BulkThread(ServerSocket& socket, const MessageEncoder& encoder, PayloadTable& payloads,
                       Inbox& inbox, Traffic& traffic)
    : socket_(socket),
      encoder_(encoder),
      payloads_(payloads),
      inbox_(inbox),
      traffic_(traffic),
      thread_([this] { Run(); }) {}

BulkThread::~BulkThread() { Finish(); }

void BulkThread::Finish() {
  stopping_ = true;
  socket_.Wake();
  if (thread_.joinable()) thread_.join();
}

void BulkThread::Command(Work work) {
  {
    std::lock_guard lock(mutex_);
    commands_.push_back(std::move(work));
  }
  socket_.Wake();
}

void BulkThread::Run() {
  while (!stopping_) {
    TakeCommands();
    RetryWaiting();
    if (HasRoom()) {
      Receive(waiting_.empty() ? kIdlePoll : kRetryPoll);
    } else {
      std::this_thread::sleep_for(kRoomPoll);
    }
  }
}

void BulkThread::TakeCommands() {
  std::vector<Work> commands;
  {
    std::lock_guard lock(mutex_);
    commands.swap(commands_);
  }
  for (const Work& work : commands) {
    std::visit([this](const auto& what) { Perform(what); }, work);
  }
}

void BulkThread::Perform(const Send& effect) {
  SendOrQueue(ToSocketLink(effect.link), {encoder_.Encode(effect.message), {}});
}

void BulkThread::Perform(const SendModelChunk& effect) {
  ModelChunks::Chunk chunk = model_.Get(effect.version, effect.offset, effect.bytes);
  SendOrQueue(ToSocketLink(effect.link),
              {encoder_.Encode(chunk.message), std::move(chunk.payload)});
}

void BulkThread::Perform(const DropLink& effect) {
  waiting_.erase(ToSocketLink(effect.link));
  socket_.Drop(ToSocketLink(effect.link));
}

void BulkThread::Perform(const NewHead& head) { model_.SetHead(head.version, head.contents); }

void BulkThread::SendOrQueue(LinkId link, Frame frame) {
  const auto waiting = waiting_.find(link);
  if (waiting == waiting_.end()) {
    const std::uint64_t bytes = Traffic::SizeOf(frame);
    switch (socket_.Send(link, frame)) {
      case SendResult::sent:
        traffic_.CountSent(bytes);
        return;
      case SendResult::gone:
        LoseLink(link);
        return;
      case SendResult::full:
        break;
    }
  }
  std::deque<Frame>& frames = waiting_[link];
  if (frames.size() >= kWaitingFramesMax) {
    socket_.Drop(link);
    LoseLink(link);
    return;
  }
  frames.push_back(std::move(frame));
}

void BulkThread::RetryWaiting() {
  bool progress = true;
  while (progress) {
    progress = false;
    for (auto entry = waiting_.begin(); entry != waiting_.end();) {
      const auto current = entry++;
      std::deque<Frame>& frames = current->second;
      const std::uint64_t bytes = Traffic::SizeOf(frames.front());
      const SendResult result = socket_.Send(current->first, frames.front());
      if (result == SendResult::full) continue;
      if (result == SendResult::gone) {
        LoseLink(current->first);
        continue;
      }
      traffic_.CountSent(bytes);
      frames.pop_front();
      progress = true;
      if (frames.empty()) waiting_.erase(current);
    }
  }
}

void BulkThread::LoseLink(LinkId link) {
  waiting_.erase(link);
  inbox_.Push(Event(LinkGone{ToBulkLink(link)}));
}

bool BulkThread::HasRoom() const {
  return payloads_.parked_bytes() < limits::kParkedPayloadBytesMax &&
         inbox_.size() < Inbox::kItemsMax;
}

void BulkThread::Receive(milliseconds timeout) {
  received_.clear();
  socket_.Poll(timeout, received_);
  for (ServerMessage& message : received_) Take(message);
}

void BulkThread::Take(ServerMessage& message) {
  traffic_.CountReceived(message.frame);
  const LinkId link = ToBulkLink(message.link);
  const std::size_t payload_bytes = message.frame.payload.bytes.size();
  Result<DecodedMessage> decoded = DecodeMessage(message.frame.head, payload_bytes);
  if (!decoded) {
    inbox_.Push(Event(Unreadable{link, message.identity, decoded.error().reason}));
    return;
  }
  if (!encoder_.IsOurJob(decoded->header)) {
    inbox_.Push(Event(Unreadable{link, message.identity, Reason::wrong_job}));
    return;
  }
  const Fence fence = decoded->header.fence;
  if (const auto* chunk = std::get_if<UpdateChunk>(&decoded->message)) {
    const PayloadHandle payload = payloads_.Park(std::move(message.frame.payload));
    inbox_.Push(Event(ChunkReceived{link, message.identity, fence, *chunk, payload}));
    return;
  }
  inbox_.Push(Event(Received{link, message.identity, fence, std::move(decoded->message)}));
}

}  // namespace muster::coordinator
