// A participant that does what it is told, in a thread of its own: no state on disk, no timers.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "common/ids.h"
#include "model/job.h"
#include "protocol/header.h"
#include "protocol/messages.h"
#include "training/trainer.h"
#include "transport/transport.h"

namespace muster::testing {

/// Says hello, downloads, trains, offers, sends and says goodbye; connects anew when its link
/// breaks, and offers a trained update again instead of training it twice.
class ScriptedParticipant {
 public:
  /// `client` has one identity, that of `name`.
  ScriptedParticipant(const JobSpec& job, RosterIndex index, std::string name,
                      std::unique_ptr<ClientTransport> client, ClientTransport::Target target);
  /// Ends and joins the thread.
  ~ScriptedParticipant();

  /// True once the job was said to be finished.
  bool finished() const { return finished_; }
  int fits() const { return fits_; }

 private:
  void Run();
  void Connect();
  void Send(Channel channel, const Message& message, Payload payload = {});
  void On(const Message& message, const Payload& payload);
  void RequestModel();
  void Train();
  void OfferUpdate();
  void SendChunks();

  const TrainSpec train_;
  std::unique_ptr<Trainer> trainer_;
  const std::string name_;
  std::unique_ptr<ClientTransport> client_;
  const ClientTransport::Target target_;
  std::optional<LinkId> link_;
  MessageHeader header_;
  Incarnation incarnation_;

  std::optional<TaskOrder> task_;
  ParameterSet model_;
  std::uint64_t model_bytes_ = 0;
  std::optional<UpdateId> trained_;
  std::shared_ptr<ParameterSet> update_;
  std::uint64_t weight_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t credit_end_ = 0;
  std::uint64_t window_ = 0;
  bool offer_again_ = false;

  std::atomic<bool> finished_ = false;
  std::atomic<int> fits_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace muster::testing
