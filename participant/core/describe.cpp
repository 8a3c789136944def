#include "participant/core/describe.h"

#include <iterator>
#include <string_view>

namespace muster::participant {
namespace {

constexpr std::size_t kDigestDigits = 8;

std::string Short(ByteSpan bytes) { return Hex(bytes).substr(0, kDigestDigits); }

template <typename T>
std::string Field(std::string_view name, const T& value) {
  std::string text = " " + std::string(name) + "=";
  if constexpr (std::is_arithmetic_v<T>) {
    return text + std::to_string(value);
  } else {
    return text + std::string(value);
  }
}

std::string Text(const Epoch& epoch) {
  return "e" + std::to_string(epoch.number) + ":" + std::to_string(epoch.nonce);
}
std::string Text(const Fence& fence) {
  return "[l" + std::to_string(fence.lineage) + " " + Text(fence.epoch) + "]";
}
std::string Text(const SeenState& seen) {
  return "l" + std::to_string(seen.lineage.number) + ":" + std::to_string(seen.lineage.nonce) +
         "." + Text(seen.epoch) + ".v" + std::to_string(seen.version);
}
std::string Text(const RetainedUpdate& update) {
  return update.id.Text() + Field("digest", Short(update.digest)) + Field("bytes", update.bytes) +
         Field("weight", update.weight) + Field("base", update.base_version) +
         (update.client_version > 0 ? Field("client", update.client_version) : "") +
         (update.client_next ? Field("client_next", Short(update.client_next->digest)) : "");
}
std::string Text(const ClientState& client) {
  return "v" + std::to_string(client.version) + ":" + Short(client.held.digest);
}
std::string Quoted(const std::string& text) { return text.empty() ? "" : " \"" + text + "\""; }

constexpr std::string_view kFateNames[] = {"none", "accepted", "committed", "dropped"};

// What follows the message's name.
std::string Body(const Hello& hello) {
  std::string text =
      Field("name", hello.name) + Field("incarnation", Short(hello.incarnation.bytes));
  if (hello.job) text += Field("job", Short(*hello.job));
  if (hello.seen) text += Field("seen", Text(*hello.seen));
  if (hello.retained) {
    text += Field("retained", hello.retained->id.Text()) +
            Field("digest", Short(hello.retained->digest));
  }
  return text;
}
std::string Body(const LeaseRenew&) { return ""; }
std::string Body(const LeaseAck&) { return ""; }
std::string Body(const Offer& offer) {
  return " " + Text(RetainedUpdate{offer.id,
                                   offer.digest,
                                   offer.bytes,
                                   offer.weight,
                                   offer.base_version,
                                   offer.client_version,
                                   {}});
}
std::string Body(const Leave& leave) { return Field("reason", ReasonName(leave.reason)); }
std::string Body(const RefuseCoordinator& refuse) {
  return Field("reason", ReasonName(refuse.reason)) +
         (refuse.seen ? Field("seen", Text(*refuse.seen)) : "");
}
std::string Body(const Welcome& welcome) {
  std::string text = Field("job", Short(welcome.job_digest));
  for (const LineageRecord& lineage : welcome.lineages) {
    text += Field("lineage",
                  "l" + std::to_string(lineage.id.number) + ":" + std::to_string(lineage.id.nonce));
    if (lineage.parent_number != 0) {
      text += "<l" + std::to_string(lineage.parent_number) + "@v" +
              std::to_string(lineage.fork_version);
    }
  }
  text += Field("epoch", Text(welcome.epoch)) + Field("head", welcome.head) +
          Field("index", welcome.index) + Field("lease_ms", welcome.lease_ms) +
          Field("fate", kFateNames[static_cast<std::size_t>(welcome.retained_fate)]);
  if (welcome.retained_version > 0) text += Field("version", welcome.retained_version);
  if (welcome.retained_fate == Welcome::RetainedFate::dropped) {
    text += Field("reason", ReasonName(welcome.retained_reason));
  }
  return text;
}
std::string Body(const TaskOrder& order) {
  return " " + order.id.Text() + Field("attempt", order.attempt) +
         Field("base", order.base_version) + Field("model", Short(order.model_digest)) +
         Field("bytes", order.model_bytes) + Field("deadline_ms", order.deadline_ms);
}
std::string Body(const Grant& grant) {
  return " " + grant.id.Text() + Field("offset", grant.offset) +
         Field("credit", grant.credit_bytes) + Field("chunk", grant.chunk_bytes);
}
std::string Body(const UploadCredit& credit) {
  return " " + credit.id.Text() + Field("offset", credit.offset);
}
std::string Body(const Accepted& accepted) {
  return " " + accepted.id.Text() + Field("digest", Short(accepted.digest));
}
std::string Body(const Committed& committed) {
  return " " + committed.id.Text() + Field("version", committed.version);
}
std::string Body(const Refused& refused) {
  return Field("reason", ReasonName(refused.reason)) +
         (refused.id ? " " + refused.id->Text() : "") +
         (refused.retry_after_ms > 0 ? Field("retry_after_ms", refused.retry_after_ms) : "") +
         Quoted(refused.text);
}
std::string Body(const JobFinished& finished) { return Field("version", finished.version); }
std::string Body(const BulkHello& hello) {
  return Field("incarnation", Short(hello.incarnation.bytes));
}
std::string Body(const ModelRequest& request) {
  return Field("version", request.version) + Field("offset", request.offset) +
         Field("bytes", request.bytes);
}
std::string Body(const ModelChunk& chunk) {
  return Field("version", chunk.version) + Field("offset", chunk.offset) +
         Field("bytes", chunk.bytes);
}
std::string Body(const UpdateChunk& chunk) {
  return " " + chunk.id.Text() + Field("offset", chunk.offset) + Field("bytes", chunk.bytes);
}

constexpr std::string_view kNoticeNames[] = {
    "connected",      "connection_lost", "refused",         "coordinator_refused",
    "task_started",   "update_ready",    "update_accepted", "update_committed",
    "update_dropped", "leaving",         "finished",        "ignored",
};
static_assert(std::size(kNoticeNames) == static_cast<std::size_t>(NoticeKind::ignored) + 1);

std::string Line(const Connect&) { return "connect"; }
std::string Line(const Disconnect&) { return "disconnect"; }
std::string Line(const Send& send) {
  return "send " + Describe(send.message) + " " + Text(send.fence);
}
std::string Line(const SendBulk& send) {
  return "send_bulk " + Describe(send.message) + " " + Text(send.fence);
}
std::string Line(const SendUpdateChunk& send) {
  return "send_update_chunk " + send.id.Text() + Field("offset", send.offset) +
         Field("bytes", send.bytes) + " " + Text(send.fence);
}
std::string Line(const SetJob& set) {
  return "set_job" + Field("name", set.job.name) + Field("part", set.part);
}
std::string Line(const OpenModel& open) {
  return "open_model" + Field("version", open.version) + Field("bytes", open.bytes);
}
std::string Line(const StoreChunk& store) {
  return "store_chunk" + Field("payload", store.payload) + Body(store.chunk);
}
std::string Line(const DropPayload& drop) {
  return "drop_payload" + Field("payload", drop.payload);
}
std::string Line(const StartFit& start) {
  return "start_fit " + start.id.Text() + Field("base", start.base_version) +
         Field("epochs", start.ask.train.epochs) +
         (start.client ? Field("client", Text(*start.client)) : "");
}
std::string Line(const StopFit& stop) {
  return std::string("stop_fit save_position=") + (stop.save_position ? "yes" : "no");
}
std::string Line(const SaveState& save) {
  return "save_state" + Field("token", save.token) + " " + Describe(save.state);
}
std::string Line(const ForgetUpdate&) { return "forget_update"; }
std::string Line(const PromoteClient&) { return "promote_client"; }
std::string Line(const ForgetPosition&) { return "forget_position"; }
std::string Line(const Notice& notice) {
  const auto name = kNoticeNames[static_cast<std::size_t>(notice.kind)];
  return "notice " + std::string(name) +
         (notice.reason == Reason::finished ? "" : Field("reason", ReasonName(notice.reason))) +
         Quoted(notice.text);
}
std::string Line(const ArmTimer& arm) { return "arm_timer" + Field("at", arm.at); }
std::string Line(const Stop& stop) {
  return "stop" + Field("reason", ReasonName(stop.reason)) + Quoted(stop.text);
}

std::string Line(const Started&) { return "started"; }
std::string Line(const Tick&) { return "tick"; }
std::string Line(const LinkUp&) { return "link_up"; }
std::string Line(const LinkDown& down) {
  return "link_down" + Field("reason", ReasonName(down.reason));
}
std::string Line(const Received& received) {
  return "received " + Describe(received.message) + " " + Text(received.fence);
}
std::string Line(const ChunkReceived& received) {
  return "chunk_received" + Field("payload", received.payload) + Body(received.chunk) + " " +
         Text(received.fence);
}
std::string Line(const Unreadable& unreadable) {
  return "unreadable" + Field("reason", ReasonName(unreadable.reason));
}
std::string Line(const BulkWritable&) { return "bulk_writable"; }
std::string Line(const ChunkStored& stored) {
  return "chunk_stored" + Field("version", stored.version) + Field("offset", stored.offset);
}
std::string Line(const ChunkRejected& rejected) {
  return "chunk_rejected" + Field("version", rejected.version);
}
std::string Line(const ModelChecked& checked) {
  return "model_checked" + Field("version", checked.version) +
         Field("digest", Short(checked.digest));
}
std::string Line(const FitDone& done) { return "fit_done " + Text(done.update); }
std::string Line(const FitStopped& stopped) { return "fit_stopped " + stopped.id.Text(); }
std::string Line(const FitFailed& failed) {
  return "fit_failed " + failed.id.Text() + " \"" + failed.error.Text() + "\"";
}
std::string Line(const StateSaved& saved) { return "state_saved" + Field("token", saved.token); }
std::string Line(const StopRequested&) { return "stop_requested"; }

}  // namespace

std::string Describe(const Message& message) {
  return std::string(MessageName(message)) +
         std::visit([](const auto& what) { return Body(what); }, message);
}
std::string Describe(const Event& event) {
  return std::visit([](const auto& what) { return Line(what); }, event);
}
std::string Describe(const Effect& effect) {
  return std::visit([](const auto& what) { return Line(what); }, effect);
}
std::string Describe(const DurableState& state) {
  std::string text = "job=" + (state.job ? Short(*state.job) : std::string("none"));
  text += Field("seen", state.seen ? Text(*state.seen) : std::string("none"));
  text += Field("retained", state.retained ? state.retained->id.Text() : std::string("none"));
  return text + (state.client ? Field("client", Text(*state.client)) : "");
}

}  // namespace muster::participant
