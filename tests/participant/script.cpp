#include "tests/participant/script.h"

#include <sstream>
#include <utility>

#include "common/digest.h"
#include "participant/core/describe.h"
#include "tests/participant/jobs.h"

namespace muster::participant {
namespace {

constexpr std::uint64_t kScriptModelBytes = 600'000;
constexpr std::uint64_t kScriptUpdateBytes = 600'000;
constexpr std::uint32_t kChunkBytes = 262'144;

using Arguments = std::map<std::string, std::string>;

std::string Get(const Arguments& arguments, const std::string& name, const std::string& fallback) {
  const auto found = arguments.find(name);
  return found == arguments.end() ? fallback : found->second;
}
std::uint64_t Number(const Arguments& arguments, const std::string& name, std::uint64_t fallback) {
  return std::stoull(Get(arguments, name, std::to_string(fallback)));
}
/// "5:17" as its two numbers.
std::pair<std::uint64_t, std::uint64_t> Pair(const std::string& text) {
  const std::size_t colon = text.find(':');
  return {std::stoull(text.substr(0, colon)), std::stoull(text.substr(colon + 1))};
}
Reason ReasonOf(const std::string& name) {
  const std::optional<Reason> reason = ReasonFromName(name);
  MUSTER_CHECK(reason, "no reason is called " + name);
  return *reason;
}
/// Any digest that is a function of its name.
Xxh128Digest DigestNamed(const std::string& name) { return Xxh128Of(AsBytes(name)); }
Xxh128Digest ModelDigest(Version version) {
  return DigestNamed("model " + std::to_string(version));
}

}  // namespace

Script::Script() { Begin({}); }

void Script::Begin(DurableState durable) {
  ParticipantOptions options;
  options.name = "hospital-2";
  options.incarnation.bytes.fill(static_cast<std::byte>(0xa0 + ++processes_));
  options.jitter_seed = processes_;
  core_ = std::make_unique<ParticipantCore>(options, std::move(durable));
}

UpdateId Script::Id(const Arguments& arguments) const {
  return {static_cast<std::uint32_t>(Number(arguments, "lineage", fence_.lineage)),
          Number(arguments, "round", round_), static_cast<Slot>(Number(arguments, "slot", 2)),
          static_cast<Task>(Number(arguments, "task", 0))};
}

/// welcome epoch=NUMBER:NONCE lineage=NUMBER:NONCE[<PARENT:NONCE@VERSION] head= index= lease= fate=
/// retained=said|other|none
Welcome Script::MakeWelcome(const Arguments& arguments) {
  Welcome welcome;
  JobSpec job = SmallJob();
  job.seed = Number(arguments, "seed", 1);
  if (Get(arguments, "accept", "durable") == "memory") job.round.accept = Accept::memory;
  if (arguments.contains("staleness_max")) {
    if (Get(arguments, "late", "refuse") == "fold") {
      job.round.late = LatePolicy::fold;
    } else {
      job.round.mode = Mode::async;
      job.round.select_from = SelectFrom::present;
    }
    job.round.staleness_max = static_cast<std::uint32_t>(Number(arguments, "staleness_max", 0));
  }
  welcome.job_name = job.name;
  welcome.job = EncodeJob(job);
  welcome.job_digest = Sha256Of(welcome.job);
  std::string lineage = Get(arguments, "lineage", "1:11");
  LineageRecord current;
  if (const std::size_t parent = lineage.find('<'); parent != std::string::npos) {
    const std::size_t at = lineage.find('@');
    const auto [number, nonce] = Pair(lineage.substr(parent + 1, at - parent - 1));
    LineageRecord before;
    before.id = {static_cast<std::uint32_t>(number), nonce};
    welcome.lineages.push_back(before);
    current.parent_number = before.id.number;
    current.fork_version = std::stoull(lineage.substr(at + 1));
  }
  const auto [number, nonce] = Pair(lineage);
  current.id = {static_cast<std::uint32_t>(number),
                std::stoull(lineage.substr(lineage.find(':') + 1))};
  welcome.lineages.push_back(current);
  const auto [epoch, epoch_nonce] = Pair(Get(arguments, "epoch", "1:7"));
  welcome.epoch = {epoch, epoch_nonce};
  welcome.head = Number(arguments, "head", 0);
  welcome.index = static_cast<RosterIndex>(Number(arguments, "index", 2));
  welcome.lease_ms = static_cast<std::int64_t>(Number(arguments, "lease", 9'000));
  const std::string retained = Get(arguments, "retained", "said");
  if (retained == "said") welcome.retained = said_retained_;
  if (retained == "other") welcome.retained = Hello::Retained{{1, 99, 2, 0}, {}};
  const std::string fate = Get(arguments, "fate", "none");
  welcome.retained_fate = fate == "accepted"    ? Welcome::RetainedFate::accepted
                          : fate == "committed" ? Welcome::RetainedFate::committed
                          : fate == "dropped"   ? Welcome::RetainedFate::dropped
                                                : Welcome::RetainedFate::none;
  welcome.retained_version = Number(arguments, "version", 0);
  fence_ = {current.id.number, welcome.epoch};
  return welcome;
}

Message Script::ParseMessage(const std::string& command, const Arguments& arguments) {
  if (command == "welcome") return MakeWelcome(arguments);
  if (command == "lease_ack") return LeaseAck{};
  if (command == "job_finished")
    return JobFinished{Reason::finished, Number(arguments, "version", 0)};
  if (command == "task") {
    round_ = Number(arguments, "round", round_);
    base_ = Number(arguments, "base", base_);
    TaskOrder order;
    order.id = Id(arguments);
    order.attempt = static_cast<Attempt>(Number(arguments, "attempt", 1));
    order.base_version = base_;
    order.model_digest = ModelDigest(base_);
    order.model_bytes = kScriptModelBytes;
    order.deadline_ms = 60'000;
    return order;
  }
  const Xxh128Digest digest = DigestNamed("update " + Id(arguments).Text());
  if (command == "grant") {
    return Grant{Id(arguments), digest, Number(arguments, "offset", 0),
                 Number(arguments, "credit", 2 * kChunkBytes),
                 static_cast<std::uint32_t>(Number(arguments, "chunk", kChunkBytes))};
  }
  if (command == "credit") return UploadCredit{Id(arguments), Number(arguments, "offset", 0)};
  if (command == "accepted") return Accepted{Id(arguments), digest};
  if (command == "committed") return Committed{Id(arguments), Number(arguments, "version", 1)};
  Refused refused;
  refused.reason = ReasonOf(Get(arguments, "reason", "internal"));
  if (Get(arguments, "id", "yes") == "yes") refused.id = Id(arguments);
  refused.retry_after_ms = static_cast<std::int64_t>(Number(arguments, "retry", 0));
  return refused;
}

Event Script::Parse(const std::string& command, const Arguments& arguments) {
  if (command == "started") return Started{};
  if (command == "tick") return Tick{};
  if (command == "link_up") return LinkUp{};
  if (command == "link_down")
    return LinkDown{ReasonOf(Get(arguments, "reason", "connection_lost"))};
  if (command == "stop_requested") return StopRequested{};
  if (command == "chunk") {
    const auto bytes = static_cast<std::uint32_t>(Number(arguments, "bytes", kChunkBytes));
    return ChunkReceived{fence_, ModelChunk{base_, Number(arguments, "offset", 0), bytes, 0},
                         ++payload_};
  }
  if (command == "chunk_stored") return ChunkStored{base_, Number(arguments, "offset", 0)};
  if (command == "chunk_rejected") return ChunkRejected{base_};
  if (command == "model_checked") {
    const bool right = Get(arguments, "digest", "right") == "right";
    return ModelChecked{base_, right ? ModelDigest(base_) : DigestNamed("other")};
  }
  if (command == "fit_done") {
    const UpdateId id = Id(arguments);
    RetainedUpdate update{id,
                          DigestNamed("update " + id.Text()),
                          kScriptUpdateBytes,
                          Number(arguments, "examples", 100),
                          base_,
                          Number(arguments, "client", 0),
                          {}};
    if (arguments.contains("makes")) {
      update.client_next = ClientBytes{DigestNamed(arguments.at("makes")), kScriptUpdateBytes};
    }
    return FitDone{update};
  }
  if (command == "fit_stopped") return FitStopped{Id(arguments)};
  if (command == "fit_failed") {
    return FitFailed{Id(arguments), Error{Reason::file_unreadable, "no data"}};
  }
  if (command == "saved") {
    saved_state_ = asked_state_;
    return StateSaved{asked_token_};
  }
  const Message message = ParseMessage(command, arguments);
  Fence fence = fence_;
  if (arguments.contains("fence")) {
    const auto [number, nonce] = Pair(arguments.at("fence"));
    fence.epoch = {number, nonce};
  }
  return Received{fence, message};
}

std::vector<std::string> Script::Play(const std::string& line) {
  std::istringstream words(line);
  std::string command, word;
  words >> command;
  Arguments arguments;
  while (words >> word) {
    const std::size_t equals = word.find('=');
    arguments[word.substr(0, equals)] = word.substr(equals + 1);
  }
  now_ += static_cast<MonotonicMs>(Number(arguments, "after", 0));
  if (command == "killed") {
    Begin(saved_state_);
    activity_.clear();
    return {};
  }
  static const std::vector<std::string> kCommands = {
      "started", "tick",      "link_up",      "link_down",      "stop_requested", "chunk",
      "saved",   "fit_done",  "chunk_stored", "chunk_rejected", "model_checked",  "fit_stopped",
      "welcome", "task",      "grant",        "credit",         "accepted",       "committed",
      "refused", "lease_ack", "job_finished", "fit_failed"};
  if (std::find(kCommands.begin(), kCommands.end(), command) == kCommands.end()) {
    return {"unknown command " + command};
  }
  return Step(Parse(command, arguments));
}

std::vector<std::string> Script::Step(const Event& event) {
  std::vector<std::string> lines;
  for (const Effect& effect : core_->Step(event, now_)) {
    if (const SaveState* save = std::get_if<SaveState>(&effect)) {
      asked_token_ = save->token;
      asked_state_ = save->state;
    }
    if (const Send* send = std::get_if<Send>(&effect)) {
      if (const Hello* hello = std::get_if<Hello>(&send->message)) said_retained_ = hello->retained;
    }
    lines.push_back(Describe(effect));
  }
  const std::string activity(ActivityName(core_->activity()));
  if (std::exchange(activity_, activity) != activity) {
    lines.push_back("-- " + activity + ": " + core_->Waiting(now_));
  }
  return lines;
}

}  // namespace muster::participant
