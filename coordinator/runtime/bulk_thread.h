// The thread of the bulk channel: update chunks in, model chunks out.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "common/limits.h"
#include "coordinator/core/effects.h"
#include "coordinator/runtime/inbox.h"
#include "coordinator/runtime/message_encoder.h"
#include "coordinator/runtime/model_chunks.h"
#include "coordinator/runtime/payload_table.h"
#include "coordinator/runtime/traffic.h"
#include "model/parameter_set.h"
#include "transport/transport.h"

namespace muster::coordinator {

/// Owns the bulk socket. Update chunks are parked in the payload table and told to the core by
/// handle; model chunks are sent from the head in memory (ModelChunks).
///
/// Bounds: it receives nothing while limits::kParkedPayloadBytesMax are parked or Inbox::kItemsMax
/// items wait; what a slow peer has asked for and not read waits here, at most
/// kWaitingFramesMax frames, and beyond that the peer is dropped.
class BulkThread {
 public:
  static constexpr std::size_t kWaitingFramesMax = limits::kModelRequestsInFlightMax;

  /// References must outlive the thread; the socket is the thread's alone meanwhile.
  BulkThread(ServerSocket& socket, const MessageEncoder& encoder, PayloadTable& payloads,
             Inbox& inbox, Traffic& traffic);
  /// As Finish.
  ~BulkThread();

  // Links are the core's: with kBulkLinkBit. Performed in the order given.
  void Do(Send effect) { Command(std::move(effect)); }
  void Do(const SendModelChunk& effect) { Command(effect); }
  void Do(const DropLink& effect) { Command(effect); }
  /// Model chunks asked for after this are `version`'s.
  void SetHead(Version version, std::shared_ptr<const ParameterSet> head) {
    Command(NewHead{version, std::move(head)});
  }

  /// Ends and joins the thread; what waits for slow peers is forgotten.
  void Finish();

 private:
  struct NewHead {
    Version version = 0;
    std::shared_ptr<const ParameterSet> contents;
  };
  using Work = std::variant<Send, SendModelChunk, DropLink, NewHead>;

  void Command(Work work);
  void Run();
  void TakeCommands();
  void Perform(const Send& effect);
  void Perform(const SendModelChunk& effect);
  void Perform(const DropLink& effect);
  void Perform(const NewHead& head);

  void SendOrQueue(LinkId link, Frame frame);
  /// Tries the frames that wait for slow peers, a frame of each in turn.
  void RetryWaiting();
  void LoseLink(LinkId link);

  bool HasRoom() const;
  void Receive(std::chrono::milliseconds timeout);
  void Take(ServerMessage& message);

  ServerSocket& socket_;
  MessageEncoder encoder_;
  PayloadTable& payloads_;
  Inbox& inbox_;
  Traffic& traffic_;

  ModelChunks model_;                            ///< The thread's own, as the next two.
  std::map<LinkId, std::deque<Frame>> waiting_;  ///< By the socket's link.
  std::vector<ServerMessage> received_;

  std::mutex mutex_;
  std::vector<Work> commands_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace muster::coordinator
