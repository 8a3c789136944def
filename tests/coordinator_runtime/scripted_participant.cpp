#include "tests/coordinator_runtime/scripted_participant.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/digest.h"
#include "common/limits.h"
#include "protocol/codec.h"

namespace muster::testing {

ScriptedParticipant::ScriptedParticipant(const JobSpec& job, RosterIndex index, std::string name,
                                         std::unique_ptr<ClientTransport> client,
                                         ClientTransport::Target target)
    : train_(job.train),
      trainer_(*CreateTrainer(job, index, {})),
      name_(std::move(name)),
      client_(std::move(client)),
      target_(std::move(target)) {
  incarnation_.bytes.fill(std::byte{static_cast<unsigned char>(index + 1)});
  thread_ = std::thread([this] { Run(); });
}

ScriptedParticipant::~ScriptedParticipant() {
  stopping_ = true;
  client_->Wake();
  thread_.join();
}

void ScriptedParticipant::Run() {
  while (!stopping_ && !finished_) {
    if (!link_) Connect();
    std::vector<ClientEvent> events;
    client_->Poll(std::chrono::milliseconds(20), events);
    for (ClientEvent& event : events) {
      if (!link_ || event.link != *link_) continue;
      if (std::holds_alternative<LinkDown>(event.what)) {
        client_->Close(*link_);
        link_.reset();
      } else if (std::holds_alternative<LinkUp>(event.what)) {
        header_ = {};
        Hello hello;
        hello.name = name_;
        hello.incarnation = incarnation_;
        if (trained_) hello.retained = Hello::Retained{*trained_, Xxh128Of(update_->bytes())};
        Send(Channel::control, hello);
      } else {
        auto& message = std::get<ClientMessage>(event.what);
        const auto decoded = DecodeMessage(message.frame.head, message.frame.payload.bytes.size());
        ASSERT_TRUE(decoded.has_value()) << decoded.error().Text();
        On(decoded->message, message.frame.payload);
      }
    }
    if (offer_again_ && link_) OfferUpdate();
  }
}

void ScriptedParticipant::Connect() {
  const auto opened = client_->Open(0, target_);
  ASSERT_TRUE(opened.has_value()) << opened.error().Text();
  link_ = *opened;
}

void ScriptedParticipant::Send(Channel channel, const Message& message, Payload payload) {
  ++header_.sequence;
  if (link_) (void)client_->Send(*link_, channel, {EncodeMessage(header_, message), payload});
}

void ScriptedParticipant::On(const Message& message, const Payload& payload) {
  if (const auto* welcome = std::get_if<Welcome>(&message)) {
    header_.job = JobPrefixOf(welcome->job_digest);
    header_.fence = {welcome->lineages.back().id.number, welcome->epoch};
    task_.reset();
    Send(Channel::bulk, BulkHello{incarnation_});
  } else if (const auto* task = std::get_if<TaskOrder>(&message)) {
    task_ = *task;
    if (trained_ == task->id) return OfferUpdate();
    model_ = ParameterSet(trainer_->layout());
    model_bytes_ = 0;
    RequestModel();
  } else if (const auto* chunk = std::get_if<ModelChunk>(&message)) {
    if (!task_ || chunk->version != task_->base_version || chunk->offset != model_bytes_) return;
    EXPECT_EQ(chunk->checksum, Xxh64Of(payload.bytes));
    std::ranges::copy(payload.bytes, model_.bytes().begin() + static_cast<long>(chunk->offset));
    model_bytes_ += payload.bytes.size();
    if (model_bytes_ < task_->model_bytes) return RequestModel();
    EXPECT_EQ(Xxh128Of(model_.bytes()), task_->model_digest);
    Train();
  } else if (const auto* grant = std::get_if<Grant>(&message)) {
    sent_ = grant->offset;
    window_ = grant->credit_bytes;
    credit_end_ = grant->offset + window_;
    SendChunks();
  } else if (const auto* credit = std::get_if<UploadCredit>(&message)) {
    credit_end_ = credit->offset + window_;
    SendChunks();
  } else if (const auto* refused = std::get_if<Refused>(&message)) {
    offer_again_ = refused->reason == Reason::busy && trained_ == refused->id;
  } else if (std::holds_alternative<JobFinished>(message)) {
    Send(Channel::control, Leave{Reason::finished});
    finished_ = true;
  }
}

void ScriptedParticipant::RequestModel() {
  const std::uint64_t left = task_->model_bytes - model_bytes_;
  Send(Channel::bulk, ModelRequest{task_->base_version, model_bytes_,
                                   static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                       left, limits::kTransferChunkBytes))});
}

void ScriptedParticipant::Train() {
  update_ = std::make_shared<ParameterSet>(trainer_->layout());
  const FitTask fit{task_->id.round, task_->id.slot, task_->id.task};
  const auto result =
      trainer_->Fit(fit, {train_}, model_, {}, *update_, {}, [](const FitPosition&) {});
  ASSERT_TRUE(result.has_value()) << result.error().Text();
  ++fits_;
  weight_ = result->examples;
  trained_ = task_->id;
  OfferUpdate();
}

void ScriptedParticipant::OfferUpdate() {
  offer_again_ = false;
  if (!task_) return;
  const ByteSpan bytes = std::as_const(*update_).bytes();
  Send(Channel::control,
       Offer{*trained_, Xxh128Of(bytes), bytes.size(), weight_, task_->base_version});
}

void ScriptedParticipant::SendChunks() {
  const ByteSpan bytes = std::as_const(*update_).bytes();
  while (sent_ < bytes.size() && sent_ < credit_end_) {
    const ByteSpan piece = bytes.subspan(
        sent_, std::min<std::uint64_t>(bytes.size() - sent_, limits::kTransferChunkBytesMin));
    Send(Channel::bulk,
         UpdateChunk{*trained_, sent_, static_cast<std::uint32_t>(piece.size()), Xxh64Of(piece)},
         {update_, piece});
    sent_ += piece.size();
  }
}

}  // namespace muster::testing
