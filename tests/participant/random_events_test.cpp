// Random events, sensible and hostile, in any order: the core's promises to its runtime hold.
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "common/digest.h"
#include "common/limits.h"
#include "common/random.h"
#include "participant/core/core.h"
#include "participant/core/describe.h"
#include "tests/participant/jobs.h"

namespace muster::participant {
namespace {

constexpr std::uint64_t kUpdateBytes = 700'000;
constexpr std::uint64_t kModelBytes = 500'000;

/// A runtime that performs nothing but knows what it was asked for, and a peer that says anything.
class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed, "participant events", {}) {
    job_ = EncodeJob(SmallJob());
    Restart();
  }

  void Run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      if (stopped_ || random_.Below(200) == 0) Restart();
      now_ += static_cast<MonotonicMs>(random_.Below(40) == 0 ? random_.Below(6'000)
                                                              : random_.Below(30));
      Feed(Draw());
    }
  }

  std::uint64_t fits() const { return fits_; }
  std::uint64_t offers() const { return offers_; }
  std::uint64_t chunks() const { return chunks_; }
  std::uint64_t promotions() const { return promotions_; }

 private:
  void Restart() {
    ParticipantOptions options;
    options.name = "p";
    options.jitter_seed = random_.Next();
    core_ = std::make_unique<ParticipantCore>(options, disk_);
    stopped_ = link_ = link_up_ = false;
    fit_.reset();
    fit_stopping_ = false;
    model_.reset();
    saves_.clear();
    uploading_ = false;
    saved_token_ = asked_token_ = 0;
    Feed(Started{});
  }

  UpdateId AnyId() { return {1, 1 + random_.Below(3), 0, 0}; }
  UpdateId LikelyId() {
    if (fit_ && random_.Below(2) == 0) return *fit_;
    if (disk_.retained && random_.Below(4) != 0) return disk_.retained->id;
    return AnyId();
  }
  Xxh128Digest DigestOf(const UpdateId& id) { return Xxh128Of(AsBytes(id.Text())); }
  Fence AnyFence() { return random_.Below(20) == 0 ? Fence{1, {1, 2}} : Fence{1, epoch_}; }

  Message AnyMessage() {
    switch (random_.Below(9)) {
      case 0: {
        Welcome welcome;
        welcome.job = job_;
        welcome.job_digest = Sha256Of(job_);
        welcome.lineages = {{{1, 1}, 0, 0}};
        if (random_.Below(4) == 0) epoch_.number++;
        welcome.epoch = epoch_;
        welcome.head = head_;
        welcome.lease_ms = 3'000;
        if (random_.Below(8) != 0) welcome.retained = said_retained_;
        welcome.retained_fate = static_cast<Welcome::RetainedFate>(random_.Below(4));
        return welcome;
      }
      case 1:
      case 2: {
        TaskOrder order;
        order.id = LikelyId();
        order.base_version = order.id.round - 1;
        order.model_bytes = kModelBytes;
        return order;
      }
      case 3: {
        const UpdateId id = LikelyId();
        return Grant{id, DigestOf(id), random_.Below(kUpdateBytes + 2),
                     random_.Below(2 * limits::kTransferChunkBytes),
                     static_cast<std::uint32_t>(limits::kTransferChunkBytesMin)};
      }
      case 4:
        return UploadCredit{LikelyId(), random_.Below(kUpdateBytes + 2)};
      case 5: {
        const UpdateId id = LikelyId();
        return Accepted{id, DigestOf(id)};
      }
      case 6:
        return Committed{LikelyId(), head_ + random_.Below(2)};
      case 7: {
        Refused refused;
        const Reason reasons[] = {Reason::round_closed, Reason::busy,        Reason::out_of_bound,
                                  Reason::draining,     Reason::stale_epoch, Reason::not_held,
                                  Reason::superseded};
        refused.reason = reasons[random_.Below(random_.Below(10) == 0 ? 7 : 6)];
        if (random_.Below(4) != 0) refused.id = LikelyId();
        return refused;
      }
      default:
        return random_.Below(30) == 0 ? Message(JobFinished{}) : Message(LeaseAck{});
    }
  }

  Event Draw() {
    switch (random_.Below(14)) {
      case 0:
        return Tick{};
      case 1:
        if (link_ && !link_up_) {
          link_up_ = true;
          return LinkUp{};
        }
        return Tick{};
      case 2:
        if (link_ && random_.Below(8) == 0) {
          link_ = link_up_ = false;
          return LinkDown{};
        }
        return Tick{};
      case 3:
      case 4:
        if (!saves_.empty()) {
          disk_ = saves_.front().state;
          saved_token_ = saves_.front().token;
          saves_.erase(saves_.begin());
          return StateSaved{saved_token_};
        }
        return Tick{};
      case 5:
        if (fit_) {
          const UpdateId id = *std::exchange(fit_, std::nullopt);
          if (fit_stopping_ && random_.Below(2) == 0) return FitStopped{id};
          return FitDone{{id, DigestOf(id), kUpdateBytes, 10, id.round - 1, began_,
                          ClientBytes{DigestOf(id), 1}}};
        }
        return Tick{};
      case 6:
        if (random_.Below(60) == 0) return StopRequested{};
        return Tick{};
      case 7:
      case 8:
        return DrawTransfer();
      default:
        if (!link_up_) return Tick{};
        return Received{AnyFence(), AnyMessage()};
    }
  }

  Event DrawTransfer() {
    if (!model_) return Tick{};
    if (model_->stored == kModelBytes) {
      const bool right = random_.Below(5) != 0;
      return ModelChecked{model_->version, right ? Xxh128Digest{} : DigestOf({})};
    }
    if (storing_) {
      const std::uint64_t end = *std::exchange(storing_, std::nullopt);
      if (random_.Below(10) == 0) return ChunkRejected{model_->version};
      model_->stored = end;
      return ChunkStored{model_->version, end};
    }
    if (!link_up_) return Tick{};
    const std::uint64_t left = kModelBytes - model_->stored;
    return ChunkReceived{
        AnyFence(),
        {model_->version, random_.Below(8) == 0 ? 1 : model_->stored,
         static_cast<std::uint32_t>(std::min<std::uint64_t>(left, limits::kTransferChunkBytes)), 0},
        ++payload_};
  }

  void Feed(const Event& event) {
    last_ = Describe(event);
    now_stepping_ = event;
    if (const auto* received = std::get_if<Received>(&event)) Note(*received);
    const bool had_payload = std::holds_alternative<ChunkReceived>(event);
    payload_owned_ = had_payload ? 0 : 1;
    for (const Effect& effect : core_->Step(event, now_)) {
      std::visit([this](const auto& what) { Perform(what); }, effect);
      EXPECT_FALSE(stopped_ && !std::holds_alternative<Stop>(effect)) << last_;
    }
    if (had_payload && !stopped_) {
      EXPECT_EQ(payload_owned_, 1) << "a payload has one fate; " << last_;
    }
    EXPECT_FALSE(core_->Waiting(now_).empty());
  }

  /// Keeps the peer's own account of the credit it gave.
  void Note(const Received& received) {
    if (const auto* grant = std::get_if<Grant>(&received.message)) {
      last_grant_ = *grant;
    } else if (const auto* credit = std::get_if<UploadCredit>(&received.message)) {
      if (credit->offset <= sent_) stored_ = std::max(stored_, credit->offset);
    }
  }

  void Perform(const Connect&) {
    EXPECT_FALSE(link_) << "one link at a time; " << last_;
    link_ = true;
    link_up_ = false;
  }
  void Perform(const Disconnect&) {
    EXPECT_TRUE(link_) << last_;
    link_ = link_up_ = false;
  }
  void Perform(const Send& send) {
    EXPECT_TRUE(link_up_) << "no send without a link; " << last_;
    if (const auto* hello = std::get_if<Hello>(&send.message)) said_retained_ = hello->retained;
    if (std::holds_alternative<Offer>(send.message)) {
      ++offers_;
      uploading_ = false;
      const auto& offer = std::get<Offer>(send.message);
      ASSERT_TRUE(disk_.retained) << "an offer names what is on disk; " << last_;
      EXPECT_EQ(offer.id, disk_.retained->id) << last_;
    }
  }
  void Perform(const SendBulk&) { EXPECT_TRUE(link_up_) << last_; }
  void Perform(const SendUpdateChunk& chunk) {
    ++chunks_;
    EXPECT_TRUE(link_up_) << last_;
    if (last_grant_) {
      sent_ = stored_ = last_grant_->offset;
      credit_ = last_grant_->credit_bytes;
      last_grant_.reset();
    }
    EXPECT_EQ(chunk.offset, sent_) << last_;
    sent_ += chunk.bytes;
    EXPECT_LE(sent_, stored_ + credit_) << "no byte beyond the credit; " << last_;
    EXPECT_LE(sent_, kUpdateBytes) << last_;
  }
  void Perform(const SetJob&) {}
  void Perform(const OpenModel& open) {
    model_ = Model{open.version, 0};
    storing_.reset();
  }
  void Perform(const StoreChunk& store) {
    ++payload_owned_;
    ASSERT_TRUE(model_) << last_;
    storing_ = store.chunk.offset + store.chunk.bytes;
    EXPECT_LE(*storing_, kModelBytes) << last_;
  }
  void Perform(const DropPayload&) { ++payload_owned_; }
  void Perform(const StartFit& start) {
    ++fits_;
    EXPECT_FALSE(fit_) << "one fit at a time; " << last_;
    EXPECT_EQ(saved_token_, asked_token_) << "no fit before the state is saved; " << last_;
    EXPECT_FALSE(disk_.retained) << "a fit would write over the retained update; " << last_;
    EXPECT_EQ(start.client, disk_.client) << "a fit begins from what is on the disk; " << last_;
    began_ = start.client ? start.client->version : 0;
    fit_ = start.id;
    fit_stopping_ = false;
  }
  void Perform(const StopFit&) {
    EXPECT_TRUE(fit_) << last_;
    fit_stopping_ = true;
  }
  void Perform(const SaveState& save) {
    EXPECT_GT(save.token, asked_token_) << last_;
    const DurableState& before = saves_.empty() ? disk_ : saves_.back().state;
    if (save.state.client != before.client) {
      ASSERT_TRUE(save.state.client && before.retained) << last_;
      EXPECT_EQ(save.state.client->held, before.retained->client_next) << last_;
      EXPECT_FALSE(save.state.retained) << last_;
      const auto* event = std::get_if<Received>(&now_stepping_);
      ASSERT_NE(event, nullptr) << "client state moves on upon a message; " << last_;
      const auto* welcome = std::get_if<Welcome>(&event->message);
      EXPECT_TRUE(std::holds_alternative<Committed>(event->message) ||
                  (welcome && welcome->retained_fate == Welcome::RetainedFate::committed))
          << last_;
    }
    asked_token_ = save.token;
    saves_.push_back(save);
  }
  void Perform(const ForgetUpdate&) {
    EXPECT_FALSE(disk_.retained) << "bytes go after the state that names them; " << last_;
    EXPECT_FALSE(fit_) << "a fit owns the file; " << last_;
  }
  void Perform(const PromoteClient&) {
    ++promotions_;
    EXPECT_TRUE(disk_.client) << "the file takes its place after the state that names it; "
                              << last_;
    EXPECT_FALSE(disk_.retained) << last_;
    EXPECT_FALSE(fit_) << "a fit owns the file; " << last_;
  }
  void Perform(const ForgetPosition&) {}
  void Perform(const Notice&) {}
  void Perform(const ArmTimer& arm) { EXPECT_GE(arm.at, now_) << last_; }
  void Perform(const Stop&) { stopped_ = true; }

  struct Model {
    Version version = 0;
    std::uint64_t stored = 0;
  };

  std::optional<Hello::Retained> said_retained_;  ///< Of the last hello.
  KeyedStream random_;
  std::unique_ptr<ParticipantCore> core_;
  Bytes job_;
  DurableState disk_;
  std::vector<SaveState> saves_;
  MonotonicMs now_ = 0;
  Epoch epoch_{1, 1};
  Version head_ = 0;
  bool stopped_ = false, link_ = false, link_up_ = false, fit_stopping_ = false, uploading_ = false;
  std::optional<UpdateId> fit_;
  std::optional<Model> model_;
  std::optional<std::uint64_t> storing_;
  std::optional<Grant> last_grant_;
  std::uint64_t sent_ = 0, stored_ = 0, credit_ = 0;
  Token asked_token_ = 0, saved_token_ = 0;
  PayloadHandle payload_ = 0;
  int payload_owned_ = 0;
  std::uint64_t fits_ = 0, offers_ = 0, chunks_ = 0, promotions_ = 0;
  Version began_ = 0;
  Event now_stepping_;
  std::string last_;
};

constexpr std::uint64_t kRandomSeeds = 300;

TEST(RandomEventsTest, NeverBreakThePromisesToTheRuntime) {
  const char* given = std::getenv("MUSTER_TEST_SEED");
  const std::uint64_t first = given != nullptr ? std::stoull(given) : 1;
  const std::uint64_t last = given != nullptr ? first : kRandomSeeds;
  std::uint64_t fits = 0, offers = 0, chunks = 0, promotions = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("MUSTER_TEST_SEED=" + std::to_string(seed));
    World world(seed);
    world.Run(2'000);
    fits += world.fits();
    offers += world.offers();
    chunks += world.chunks();
    promotions += world.promotions();
    if (::testing::Test::HasFailure()) break;
  }
  // Random events that reach nothing would prove nothing.
  EXPECT_GT(fits, 10U);
  EXPECT_GT(offers, 10U);
  EXPECT_GT(chunks, 10U);
  EXPECT_GT(promotions, 10U);
}

}  // namespace
}  // namespace muster::participant
