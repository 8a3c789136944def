#include "participant/core/delivery.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"

namespace muster::participant {
namespace {

/// Then the link is given up, as for a download.
constexpr std::uint32_t kUploadStallsMax = 2;

enum class Answer : std::uint8_t { forget, hold, retry };

/// What a refusal of the update asks of its holder.
Answer AnswerTo(const Refused& refused) {
  switch (refused.reason) {
    case Reason::round_closed:
    case Reason::not_in_cohort:
    case Reason::already_accepted:
    case Reason::weight_invalid:
    case Reason::not_finite:
    case Reason::digest_mismatch:
    case Reason::size_mismatch:
    case Reason::base_version_wrong:
    case Reason::lease_lost:
    case Reason::round_past:
    case Reason::too_stale:
      return Answer::forget;
    case Reason::busy:
    case Reason::disk_full:
    case Reason::no_credit:
    case Reason::wrong_offset:
    case Reason::checksum_mismatch:
      return Answer::retry;
    default:
      // out_of_bound: the next attempt may ask for it under larger exponents. draining: the next
      // coordinator will ask. Anything else is no verdict on the update: it is kept.
      return refused.retry_after_ms > 0 ? Answer::retry : Answer::hold;
  }
}

}  // namespace

Delivery::Delivery(Context& context)
    : context_(context), stage_(context.durable.retained ? Stage::held : Stage::none) {}

bool Delivery::IsRetained(const UpdateId& id) const {
  return context_.durable.retained && context_.durable.retained->id == id;
}

void Delivery::Take(const RetainedUpdate& update) {
  context_.durable.retained = update;
  too_large_ = false;
  context_.Say(NoticeKind::update_ready,
               update.id.Text() + " is trained: " + std::to_string(update.bytes) + " bytes",
               Reason::finished);
  if (context_.in_memory) {
    Hold();
    return;
  }
  stage_ = Stage::saving;
  stalls_ = 0;
  save_token_ = context_.Save();
}

// It is as safe here as the job asks for.
void Delivery::Hold() {
  stage_ = Stage::held;
  context_.Emit(ForgetPosition{});
  if (context_.in_session) SendOffer();
}

void Delivery::Drop(Reason reason, const std::string& why) {
  MUSTER_CHECK(context_.durable.retained, "only a retained update can be dropped");
  context_.Say(NoticeKind::update_dropped, context_.durable.retained->id.Text() + " " + why,
               reason);
  Forget();
}

void Delivery::Count(Version version, const std::string& why) {
  const RetainedUpdate& update = *context_.durable.retained;
  context_.Say(NoticeKind::update_committed, update.id.Text() + " " + why, Reason::finished);
  past_ = update.id;
  if (update.client_next) {
    context_.durable.client = ClientState{version, *update.client_next};
    promote_ = true;
  }
  Forget();
}

void Delivery::Forget() {
  context_.durable.retained.reset();
  stage_ = Stage::none;
  if (context_.in_memory) {
    context_.Emit(ForgetUpdate{});
    return;
  }
  forget_token_ = context_.Save();
}

// Whether it counts may not have been heard: a newer task says only that its round is over. Where
// older bases count it says nothing of what was handed in before; but what was too large for a
// version's bounds would be sent as a whole for each version to find it too large again.
void Delivery::SettleBefore(const UpdateId& newer) {
  const UpdateId held = context_.durable.retained->id;
  const bool goes_on = context_.GoesOn(held, newer);
  if (goes_on && too_large_ && held.round < newer.round) {
    past_ = held;
    Drop(Reason::out_of_bound, "is beyond the bounds: the coordinator asks for " + newer.Text());
    return;
  }
  if (!context_.durable.retained->client_next && (!goes_on || stage_ == Stage::accepted)) {
    const bool safe = stage_ == Stage::accepted && (goes_on || newer.round == held.round);
    // The order that asked for it may come a second time.
    if (goes_on) past_ = held;
    const bool stale = context_.staleness_max && held.lineage == newer.lineage;
    Drop(safe    ? Reason::finished
         : stale ? Reason::too_stale
                 : Reason::round_closed,
         (safe ? "is safe at the coordinator, which asks for "
               : "is past: the coordinator asks for ") +
             newer.Text());
  } else if (stage_ == Stage::held || stage_ == Stage::accepted) {
    SendOffer();
  }
}

void Delivery::OnFate(const Welcome& welcome) {
  switch (welcome.retained_fate) {
    case Welcome::RetainedFate::none:
      stage_ = Stage::held;
      break;
    case Welcome::RetainedFate::accepted:
      stage_ = Stage::accepted;
      break;
    case Welcome::RetainedFate::committed:
      Count(welcome.retained_version, "was committed while it was away");
      break;
    case Welcome::RetainedFate::dropped:
      Drop(welcome.retained_reason, "was dropped while it was away");
      break;
  }
}

void Delivery::OnSession() {
  if (context_.staleness_max && stage_ == Stage::held) SendOffer();
}

void Delivery::OnAsked() {
  if (stage_ == Stage::held || stage_ == Stage::accepted) SendOffer();
}

void Delivery::SendOffer() {
  if (context_.leaving) return;
  const RetainedUpdate& update = *context_.durable.retained;
  context_.SendControl(Offer{update.id, update.digest, update.bytes, update.weight,
                             update.base_version, update.client_version});
  stage_ = Stage::offering;
  deadline_ = context_.now + context_.options.answer_ms;
}

void Delivery::OnGrant(const Grant& grant) {
  const bool wanted = stage_ == Stage::offering || stage_ == Stage::uploading;
  if (!IsRetained(grant.id) || !wanted) {
    context_.Ignore("a grant for " + grant.id.Text() + " that was not offered",
                    Reason::unexpected_message);
    return;
  }
  const RetainedUpdate& update = *context_.durable.retained;
  if (grant.digest != update.digest || grant.offset > update.bytes || grant.credit_bytes == 0 ||
      grant.chunk_bytes == 0 || grant.chunk_bytes > limits::kTransferChunkBytesMax) {
    context_.Ignore("a grant for " + grant.id.Text() + " that does not fit the update",
                    Reason::malformed_message);
    return;
  }
  if (stage_ == Stage::offering && grant.offset > stored_) stalls_ = 0;
  stage_ = Stage::uploading;
  sent_ = grant.offset;
  stored_ = grant.offset;
  credit_bytes_ = std::min<std::uint64_t>(grant.credit_bytes, limits::kCreditWindowBytes);
  chunk_bytes_ = grant.chunk_bytes;
  deadline_ = context_.now + context_.options.answer_ms;
  SendChunks();
}

void Delivery::SendChunks() {
  const RetainedUpdate& update = *context_.durable.retained;
  const std::uint64_t limit = stored_ + credit_bytes_;
  while (sent_ < update.bytes) {
    // A chunk is whole or waits for more credit, unless the credit never holds a whole one.
    const std::uint64_t chunk =
        std::min({std::uint64_t{chunk_bytes_}, credit_bytes_, update.bytes - sent_});
    if (sent_ + chunk > limit) return;
    context_.Emit(
        SendUpdateChunk{update.id, sent_, static_cast<std::uint32_t>(chunk), context_.fence});
    sent_ += chunk;
  }
}

void Delivery::OnCredit(const UploadCredit& credit) {
  if (!IsRetained(credit.id) || stage_ != Stage::uploading || credit.offset > sent_) {
    context_.Ignore("credit for bytes of " + credit.id.Text() + " that were not sent",
                    Reason::unexpected_message);
    return;
  }
  if (credit.offset <= stored_) return;
  stalls_ = 0;
  stored_ = credit.offset;
  deadline_ = context_.now + context_.options.answer_ms;
  SendChunks();
}

void Delivery::OnAccepted(const Accepted& accepted) {
  // Before it is saved nobody was offered it.
  if (!IsRetained(accepted.id) || accepted.digest != context_.durable.retained->digest ||
      stage_ == Stage::saving) {
    context_.Ignore("accepted for " + accepted.id.Text() + ", which is not the one held here",
                    Reason::unexpected_message);
    return;
  }
  if (stage_ == Stage::accepted) return;
  stage_ = Stage::accepted;
  context_.Say(NoticeKind::update_accepted,
               accepted.id.Text() + (context_.in_memory ? " is in the coordinator's memory"
                                                        : " is durable at the coordinator"),
               Reason::finished);
}

void Delivery::OnCommitted(const Committed& committed) {
  context_.SawVersion(committed.version);
  if (!IsRetained(committed.id)) {
    context_.Ignore("committed for " + committed.id.Text() + ", which is not held here",
                    Reason::unexpected_message);
    return;
  }
  Count(committed.version, "counts in version " + std::to_string(committed.version));
}

void Delivery::OnRefused(const Refused& refused) {
  const std::string text = refused.text.empty() ? "was refused" : "was refused: " + refused.text;
  switch (AnswerTo(refused)) {
    case Answer::forget:
      Drop(refused.reason, text);
      return;
    case Answer::retry:
      context_.Say(NoticeKind::refused, refused.id->Text() + " " + text + "; offered again",
                   refused.reason);
      Wait(refused.retry_after_ms);
      return;
    case Answer::hold:
      context_.Say(NoticeKind::refused, refused.id->Text() + " " + text + "; kept until asked for",
                   refused.reason);
      too_large_ = refused.reason == Reason::out_of_bound;
      if (stage_ != Stage::saving) stage_ = Stage::held;
      return;
  }
}

void Delivery::Wait(std::int64_t retry_ms) {
  if (stage_ == Stage::saving) return;
  stage_ = Stage::waiting;
  deadline_ = context_.now + std::clamp(retry_ms, limits::kBusyRetryMs, limits::kReconnectMsMax);
}

void Delivery::OnStateSaved() {
  if (forget_token_ && context_.IsSaved(*forget_token_)) {
    forget_token_.reset();
    if (std::exchange(promote_, false)) context_.Emit(PromoteClient{});
    // A newer update may have taken the file over meanwhile.
    if (!context_.durable.retained) context_.Emit(ForgetUpdate{});
  }
  if (stage_ == Stage::saving && context_.IsSaved(save_token_)) {
    Hold();
  }
}

void Delivery::OnBulkWritable() {
  if (stage_ == Stage::uploading) deadline_ = context_.now + context_.options.answer_ms;
}

void Delivery::OnLinkLost() {
  if (stage_ == Stage::waiting || stage_ == Stage::offering || stage_ == Stage::uploading) {
    stage_ = Stage::held;
  }
}

void Delivery::OnTick() {
  const std::optional<MonotonicMs> deadline = Deadline();
  if (!deadline || *deadline > context_.now || context_.leaving) return;
  // Granted and sent, and no word of it, again and again: bulk is dead and nobody says so. What is
  // stored as a whole waits for the coordinator's disk.
  const bool on_its_way = stage_ == Stage::uploading && stored_ < context_.durable.retained->bytes;
  if (on_its_way && ++stalls_ > kUploadStallsMax) {
    stalls_ = 0;
    context_.GiveUpLink(Reason::timeout, "the update's bytes do not arrive");
    return;
  }
  SendOffer();
}

std::optional<MonotonicMs> Delivery::Deadline() const {
  if (stage_ == Stage::waiting || stage_ == Stage::offering || stage_ == Stage::uploading) {
    return deadline_;
  }
  return std::nullopt;
}

}  // namespace muster::participant
