#include "simulator/federation/impostor.h"

#include <algorithm>

#include "common/digest.h"
#include "model/job.h"
#include "simulator/federation/forgery.h"

namespace muster::simulator {
namespace {

constexpr std::size_t kBabbleMost = 8;

bool IsVerdict(const Message& message) {
  return std::holds_alternative<Welcome>(message) || std::holds_alternative<Refused>(message);
}

}  // namespace

Impostor::Impostor(std::uint64_t value, std::shared_ptr<const Packet> welcome,
                   std::shared_ptr<const Packet> task)
    : value_(value),
      lie_(static_cast<Lie>(value % kLies)),
      welcome_(std::move(welcome)),
      task_(std::move(task)) {
  if (lie_ == Lie::other_bytes && task_ == nullptr) lie_ = Lie::older_epoch;
}

std::vector<std::pair<Channel, Packet>> Impostor::Answer(const Packet& heard) {
  // What a flipped bit says it has seen is not what it remembers: a lie about that it may believe.
  if (lie_ == Lie::silence || welcome_ == nullptr || heard.unreadable || heard.garbled) return {};
  if (const auto* hello = std::get_if<Hello>(&heard.message)) return Greet(*hello);
  if (lie_ != Lie::other_bytes) return {};
  if (std::holds_alternative<LeaseRenew>(heard.message)) {
    return {{Channel::control, {fence_, LeaseAck{}}}};
  }
  if (std::holds_alternative<BulkHello>(heard.message)) {
    TaskOrder task = std::get<TaskOrder>(task_->message);
    task.model_digest.front() ^= std::byte{1};
    return {{Channel::control, {fence_, task}}};
  }
  const auto* request = std::get_if<ModelRequest>(&heard.message);
  if (request == nullptr) return {};
  return {{Channel::bulk, OtherBytes(*request)}};
}

Packet Impostor::OtherBytes(const ModelRequest& request) {
  if (bytes_ == nullptr || bytes_->size() != request.bytes) {
    bytes_ = std::make_shared<const Bytes>(request.bytes);
    checksum_ = Xxh64Of(*bytes_);
  }
  // Half of them say so in every chunk, half only in the whole.
  const std::uint64_t checksum = checksum_ ^ (value_ / kLies % 2);
  return {fence_, ModelChunk{request.version, request.offset, request.bytes, checksum}, bytes_};
}

std::vector<std::pair<Channel, Packet>> Impostor::Greet(const Hello& hello) {
  if (lie_ == Lie::babble) {
    KeyedStream stream(value_, "impostor", {});
    Knowledge known;
    known.names = {hello.name};
    known.fence = welcome_->fence;
    if (task_ != nullptr) known.task = std::get<TaskOrder>(task_->message);
    std::vector<std::pair<Channel, Packet>> said;
    for (std::size_t i = 0; i < kBabbleMost; ++i) {
      Message message = ForgeMessage(stream.Below(kMessageKinds), stream, known);
      if (!IsVerdict(message)) said.push_back({Channel::control, {known.fence, message}});
    }
    return said;
  }
  if (!hello.seen) return {};
  return {{Channel::control, LyingWelcome(hello)}};
}

Packet Impostor::LyingWelcome(const Hello& hello) {
  const SeenState& seen = *hello.seen;
  Welcome welcome = std::get<Welcome>(welcome_->message);
  welcome.retained = hello.retained;
  welcome.retained_fate = Welcome::RetainedFate::none;
  welcome.epoch = seen.epoch;
  welcome.head = seen.version;
  Lie lie = lie_;
  if (lie == Lie::older_version && seen.version == 0) lie = Lie::older_epoch;
  if (lie == Lie::other_bytes && welcome.lineages.back().id != seen.lineage) {
    lie = Lie::older_epoch;
  }
  LineageRecord& last = welcome.lineages.back();
  last.id = seen.lineage;
  if (lie == Lie::older_epoch) {
    welcome.epoch.number -= 1;
  } else if (lie == Lie::older_version) {
    welcome.head = seen.version - 1;
  } else if (lie == Lie::other_nonce) {
    welcome.epoch.nonce ^= 1;
  } else if (lie == Lie::other_lineage) {
    last.id.number += 1;
    last.id.nonce ^= value_ | 1;
    last.parent_number = 0;
  } else if (lie == Lie::other_job) {
    Result<JobSpec> job = DecodeJob(welcome.job);
    if (job) {
      job->seed += 1;
      welcome.job = EncodeJob(*job);
      welcome.job_digest = Sha256Of(welcome.job);
    }
  } else if (lie == Lie::no_order) {
    welcome.lineages.push_back(welcome.lineages.front());
  }
  fence_ = {welcome.lineages.back().id.number, welcome.epoch};
  if (lie == Lie::contradiction) fence_.epoch.number += 1;
  return {fence_, welcome};
}

}  // namespace muster::simulator
