#include "script.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "common/digest.h"
#include "common/text.h"
#include "coordinator/core/describe.h"
#include "model/staleness.h"

namespace muster::coordinator {
namespace {

using Arguments = std::map<std::string, std::string>;

constexpr std::uint64_t kUpdateBytes = 128;
const std::vector<std::string> kNames = {"a", "b", "c", "d", "e", "f"};

std::string Get(const Arguments& arguments, const std::string& name, const std::string& fallback) {
  const auto found = arguments.find(name);
  return found == arguments.end() ? fallback : found->second;
}
std::uint64_t Number(const Arguments& arguments, const std::string& name, std::uint64_t fallback) {
  return std::stoull(Get(arguments, name, std::to_string(fallback)));
}
Xxh128Digest DigestNamed(const std::string& name) { return Xxh128Of(AsBytes(name)); }

PublicKey KeyOf(const std::string& who) {
  PublicKey key;
  const Sha256Digest digest = Sha256Of(AsBytes(who));
  std::copy(digest.begin(), digest.end(), key.bytes.begin());
  return key;
}

Reason ReasonOf(const std::string& name) {
  const std::optional<Reason> reason = ReasonFromName(name);
  MUSTER_CHECK(reason, "no reason is called " + name);
  return *reason;
}

}  // namespace

Script::Script() {
  job_.model.kind = ModelKind::synthetic;
  job_.model.parameters = kUpdateBytes / 4;
  job_.data.source = DataSource::none;
}

/// job parts= goal= quorum= over= from= rounds= deadline= lease= target= evaluate= attempts=
/// k= (an adaptive deadline) roster= keep_last= keep_every= blocks= (of an epoch of elastic data)
/// accept= memory_updates= mode= late= staleness_max= cap= weight_max=
std::vector<std::string> Script::Job(const Arguments& arguments) {
  job_.data.parts = static_cast<std::uint32_t>(Number(arguments, "parts", 6));
  job_.round.goal = static_cast<std::uint32_t>(Number(arguments, "goal", 2));
  job_.round.quorum = static_cast<std::uint32_t>(Number(arguments, "quorum", 2));
  job_.round.over_select = std::stod(Get(arguments, "over", "1"));
  job_.aggregation.bound_raise_max = static_cast<std::uint32_t>(Number(arguments, "raise_max", 16));
  job_.aggregation.weight_max = Number(arguments, "weight_max", job_.aggregation.weight_max);
  if (Get(arguments, "from", "enrolled") == "present") {
    job_.round.select_from = SelectFrom::present;
  }
  if (arguments.contains("blocks")) {
    constexpr std::uint32_t kExamples = 5;  // The weight of an offer, unless it says another.
    job_.data.access = DataAccess::elastic;
    job_.data.block_examples = kExamples;
    job_.data.train_examples = kExamples * Number(arguments, "blocks", 1);
    job_.round.select_from = SelectFrom::present;
    job_.round.quorum = job_.round.goal;
  }
  if (Get(arguments, "mode", "fedavg") == "async") {
    job_.round.mode = Mode::async;
    job_.round.select_from = SelectFrom::present;
    job_.round.concurrency = static_cast<std::uint32_t>(Number(arguments, "cap", 0));
  }
  if (Get(arguments, "late", "refuse") == "fold") job_.round.late = LatePolicy::fold;
  if (TakesStale(job_.round)) {
    job_.round.staleness = Staleness::polynomial;
    job_.round.staleness_max = static_cast<std::uint32_t>(Number(arguments, "staleness_max", 20));
  }
  if (Get(arguments, "accept", "durable") == "memory") job_.round.accept = Accept::memory;
  options_.memory_accept_bytes = Number(arguments, "memory_updates", 100) * kUpdateBytes;
  options_.rounds = Number(arguments, "rounds", 5);
  options_.deadline_ms = static_cast<std::int64_t>(Number(arguments, "deadline", 1'000'000));
  if (arguments.contains("k")) options_.deadline = DeadlineKind::adaptive;
  options_.deadline_k_milli = 1'000 * static_cast<std::int64_t>(Number(arguments, "k", 5));
  options_.lease_ms = static_cast<std::int64_t>(Number(arguments, "lease", 100'000));
  options_.attempts_max = static_cast<std::uint32_t>(Number(arguments, "attempts", 0));
  options_.retention = {Number(arguments, "keep_last", options_.retention.keep_last),
                        Number(arguments, "keep_every", 0)};
  options_.evaluate = arguments.contains("target") || arguments.contains("evaluate");
  if (arguments.contains("target"))
    options_.target_accuracy = std::stod(Get(arguments, "target", "1"));

  Batch batch;
  batch.mutations.push_back(PutJob{{EncodeJob(job_), JobDigest(job_), true}});
  batch.mutations.push_back(PutLineage{{{1, 11}, 0, 0}});
  VersionManifest manifest;
  manifest.tensors = {{"parameters", DType::f32, {job_.model.parameters}}};
  manifest.model_tensor_count = 1;
  manifest.model_bytes = kUpdateBytes;
  manifest.total_bytes = kUpdateBytes;
  manifest.tensor_max_abs = {0.5F};
  batch.mutations.push_back(PutVersion{manifest});
  batch.mutations.push_back(PutRoundRecord{});
  const std::uint64_t enrolled = Number(arguments, "roster", 3);
  for (RosterIndex i = 0; i < enrolled; ++i) {
    batch.mutations.push_back(PutRosterEntry{{i, kNames[i], KeyOf(kNames[i]), false}});
  }
  disk_.Apply(batch);
  return Start({});
}

std::vector<std::string> Script::Start(const Arguments& arguments) {
  EpochRecord epoch = disk_.state().epoch;
  Batch batch;
  if (epoch.starts > 0) batch.mutations.push_back(PutPastEpoch{epoch.epoch});
  epoch.epoch = {epoch.epoch.number + 1, 100 + epoch.epoch.number};
  epoch.starts += 1;
  batch.mutations.push_back(PutEpoch{epoch});
  std::vector<std::string> lines;
  if (!disk_.state().unstored.empty()) {
    // As runtime/bootstrap.h does before there is a core.
    lines.push_back("recomputed " + std::to_string(disk_.state().head->version));
    batch.mutations.push_back(ClearAccepted{disk_.state().last_record->round});
    held_.insert(disk_.state().head->version);
  }
  disk_.Apply(batch);
  due_.clear();
  store_due_.reset();
  const RecoveredState& state = disk_.state();
  const Version head = state.head->version;
  const bool evaluated = head == 0 || !options_.evaluate ||
                         std::ranges::find(state.evaluations, head, &EvaluationRecord::version) !=
                             state.evaluations.end();
  const Version reported = Number(arguments, "reported", evaluated ? head : head - 1);
  core_ = std::make_unique<CoordinatorCore>(job_, options_, state,
                                            HeadFacts{DigestNamed("model"),
                                                      reported,
                                                      {held_.begin(), held_.end()},
                                                      Number(arguments, "oldest_base", 0),
                                                      Unfinished()});
  for (std::string& line : Step(Started{})) lines.push_back(std::move(line));
  return lines;
}

/// As runtime/bootstrap.h reads them from the records.
std::vector<UnfinishedRound> Script::Unfinished() const {
  std::vector<UnfinishedRound> rounds;
  for (const RoundRecord& record : records_) {
    const Version behind = disk_.state().head->version - record.parent;
    const bool reached = job_.round.late == LatePolicy::fold && behind <= job_.round.staleness_max;
    if (reached) rounds.push_back({record.round, record.parent, record.unfinished});
  }
  return rounds;
}

RosterIndex Script::IndexOf(const std::string& who) const {
  const auto found = std::find(kNames.begin(), kNames.end(), who);
  return static_cast<RosterIndex>(found - kNames.begin());
}

UpdateId Script::Id(const std::string& who, const Arguments& arguments) const {
  Round open = disk_.state().open_round ? disk_.state().open_round->round : 1;
  if (job_.round.mode == Mode::async) {
    open = Number(arguments, "base", disk_.state().head->version);
  }
  return {static_cast<std::uint32_t>(Number(arguments, "lineage", 1)),
          Number(arguments, "round", open),
          static_cast<Slot>(Number(arguments, "slot", IndexOf(who))),
          static_cast<Task>(Number(arguments, "task", 0))};
}

Fence Script::CurrentFence(const Arguments& arguments) const {
  Fence fence{1, disk_.state().epoch.epoch};
  if (arguments.contains("epoch")) fence.epoch.number = Number(arguments, "epoch", 0);
  return fence;
}

/// Links are numbered 10 * (index + 1) for control, + 1 for bulk, + 2 * (link - 1) for later ones.
Event Script::MessageEvent(const std::string& command, const std::string& who,
                           const Arguments& arguments) {
  const bool of_bulk = command == "bulk_hello" || command == "model_request" || command == "chunk";
  const bool bulk = of_bulk != arguments.contains("misplaced");
  const LinkId link =
      10 * (IndexOf(who) + 1) + (bulk ? 1 : 0) + 2 * (Number(arguments, "link", 1) - 1);
  const PublicKey key = KeyOf(Get(arguments, "key", who));
  Incarnation incarnation;
  incarnation.bytes[0] = static_cast<std::byte>(Number(arguments, "incarnation", 1));
  incarnation.bytes[1] = static_cast<std::byte>(IndexOf(Get(arguments, "of", who)));
  Message message = LeaseRenew{};
  if (command == "hello") {
    Hello hello;
    hello.name = Get(arguments, "name", who);
    hello.incarnation = incarnation;
    hello.protocol_min =
        static_cast<std::uint16_t>(Number(arguments, "protocol", kProtocolVersion));
    hello.protocol_max = hello.protocol_min;
    if (arguments.contains("job")) hello.job = Sha256Of(AsBytes(arguments.at("job")));
    if (arguments.contains("seen")) {
      const std::string& seen = arguments.at("seen");
      hello.seen = {{1, Number(arguments, "seen_lineage", 11)},
                    {std::stoull(seen), std::stoull(seen.substr(seen.find(':') + 1))},
                    0};
    }
    if (arguments.contains("retained")) {
      hello.retained = {Id(who, arguments), DigestNamed(arguments.at("retained"))};
    }
    return Received{link, key, {}, hello, Number(arguments, "connection", 0)};
  }
  if (command == "bulk_hello") message = BulkHello{incarnation};
  if (command == "model_request") {
    message = ModelRequest{Number(arguments, "version", 0), Number(arguments, "offset", 0),
                           static_cast<std::uint32_t>(Number(arguments, "bytes", kUpdateBytes))};
  }
  if (command == "leave") {
    message = Leave{arguments.contains("successor") ? Reason::superseded : Reason::left};
  }
  if (command == "welcome") message = Welcome{};
  if (command == "refuse_coordinator") message = RefuseCoordinator{};
  if (command == "offer") {
    message = Offer{Id(who, arguments), DigestNamed(Get(arguments, "digest", who)),
                    Number(arguments, "bytes", kUpdateBytes), Number(arguments, "weight", 5),
                    Number(arguments, "base", disk_.state().head->version)};
  }
  if (command == "chunk") {
    const UpdateChunk chunk{Id(who, arguments), Number(arguments, "offset", 0),
                            static_cast<std::uint32_t>(Number(arguments, "bytes", kUpdateBytes)),
                            0};
    return ChunkReceived{link, key, CurrentFence(arguments), chunk, 1};
  }
  return Received{link, key, CurrentFence(arguments), message};
}

/// upload WHO: offer and its only chunk.
std::vector<std::string> Script::Upload(const std::string& who, const Arguments& arguments) {
  std::vector<std::string> lines = Step(MessageEvent("offer", who, arguments));
  for (std::string& line : Step(MessageEvent("chunk", who, arguments))) {
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> Script::StatusLines() const {
  const StatusView view = core_->Status(now_);
  std::string whom;
  for (RosterIndex index : view.wait.whom) whom += " " + kNames[index];
  std::vector<std::string> lines = {
      "round " + std::to_string(view.round) + " attempt " + std::to_string(view.attempt) +
          " version " + std::to_string(view.version) + " accepted " +
          std::to_string(view.accepted) + "/" + std::to_string(view.goal) +
          (view.late == 0 ? "" : ", and " + std::to_string(view.late) + " late"),
      "in " + std::string(PhaseName(view.wait.phase)) + " for " +
          std::string(WaitKindName(view.wait.kind)) + " of" + (whom.empty() ? " nobody" : whom) +
          ", since " + std::to_string(view.wait.since_ms) + " ms, deadline in " +
          std::to_string(view.wait.deadline_in_ms) + " ms: " + view.wait.next};
  for (const ParticipantStatus& participant : view.participants) {
    const std::uint64_t missed = participant.pace.missed;
    lines.push_back(participant.name + ": " + participant.doing +
                    (missed == 0 ? "" : ", missed " + Counted(missed, "deadline")));
  }
  return lines;
}

void Script::Collect(const Effect& effect) {
  if (const auto* store = std::get_if<StoreVersion>(&effect); store != nullptr && hold_store_) {
    store_due_ = *store;
    return;
  }
  if (std::holds_alternative<Persist>(effect) || std::holds_alternative<PrepareSpool>(effect) ||
      std::holds_alternative<SyncSpool>(effect) || std::holds_alternative<StoreChunk>(effect) ||
      std::holds_alternative<Fold>(effect) || std::holds_alternative<BuildVersion>(effect) ||
      std::holds_alternative<StoreVersion>(effect) || std::holds_alternative<DropVersion>(effect)) {
    due_.push_back(effect);
  }
  if (const auto* chunk = std::get_if<StoreChunk>(&effect);
      chunk != nullptr && chunk->offset + chunk->bytes == kUpdateBytes) {
    due_.push_back(CloseUpload{chunk->upload});  // Stands for the check of the whole.
  }
}

Event Script::CompletionOf(const Effect& effect) {
  if (const auto* e = std::get_if<Persist>(&effect)) {
    disk_.Apply(e->batch);
    for (const Mutation& mutation : e->batch.mutations) {
      const auto* put = std::get_if<PutRoundRecord>(&mutation);
      if (put != nullptr) records_.push_back(put->record);
    }
    return Persisted{e->token};
  }
  if (const auto* e = std::get_if<PrepareSpool>(&effect)) return SpoolPrepared{e->token};
  if (const auto* e = std::get_if<SyncSpool>(&effect)) return SpoolSynced{e->token};
  if (const auto* e = std::get_if<StoreChunk>(&effect)) {
    return ChunkStored{e->upload, e->offset + e->bytes};
  }
  if (const auto* e = std::get_if<CloseUpload>(&effect)) {
    return UploadChecked{e->upload, DigestNamed(upload_digests_[e->upload]), true, {0.25F}};
  }
  if (const auto* e = std::get_if<Fold>(&effect)) return Folded{e->id};
  if (const auto* e = std::get_if<StoreVersion>(&effect)) return Stored(e->version);
  if (const auto* e = std::get_if<DropVersion>(&effect)) {
    held_.erase(e->version);
    return VersionDropped{e->version, true};
  }
  VersionManifest manifest = *disk_.state().head;
  manifest.version = std::get<BuildVersion>(effect).version;
  manifest.digest = Sha256Of(AsBytes("version " + std::to_string(manifest.version)));
  return VersionBuilt{manifest, DigestNamed("model " + std::to_string(manifest.version))};
}

/// The next completions that are due, in order.
std::vector<std::string> Script::Complete(std::size_t at_most) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < at_most && !due_.empty(); ++i) {
    const Effect effect = due_.front();
    due_.pop_front();
    for (std::string& line : Step(CompletionOf(effect))) lines.push_back(std::move(line));
  }
  return lines;
}

/// The held version is stored, or does not fit.
std::vector<std::string> Script::EndStore(bool stored) {
  if (!store_due_) return {"no version is being stored"};
  const Version version = std::exchange(store_due_, std::nullopt)->version;
  return stored ? Step(Stored(version)) : Step(VersionStoreRefused{version});
}

Event Script::Stored(Version version) {
  held_.insert(version);
  return VersionStored{version};
}

/// The disk is full for the next thing that is due.
std::vector<std::string> Script::Refuse() {
  const Effect effect = due_.front();
  due_.pop_front();
  if (const auto* persist = std::get_if<Persist>(&effect))
    return Step(PersistRefused{persist->token});
  if (const auto* drop = std::get_if<DropVersion>(&effect)) {
    return Step(VersionDropped{drop->version, false});
  }
  if (const auto* spool = std::get_if<PrepareSpool>(&effect))
    return Step(SpoolRefused{spool->token});
  return Step(ChunkRejected{std::get<StoreChunk>(effect).upload, Reason::disk_full});
}

std::string Script::NameLinks(std::string line) const {
  const std::size_t at = line.rfind("link ");
  if (at == std::string::npos) return line;
  std::size_t end = at + 5;
  while (end < line.size() && line[end] >= '0' && line[end] <= '9') ++end;
  if (end == at + 5) return line;
  const std::size_t link = std::stoul(line.substr(at + 5, end - at - 5));
  std::string name = link / 10 - 1 < kNames.size() ? kNames[link / 10 - 1] : "?";
  if (link % 2 == 1) name += "/bulk";
  if (link % 10 > 1) name += "#" + std::to_string(link % 10 / 2 + 1);
  return line.substr(0, at) + name + line.substr(end);
}

std::vector<std::string> Script::Step(const Event& event) {
  std::vector<std::string> lines;
  for (const Effect& effect : core_->Step(event, now_)) {
    if (std::holds_alternative<ArmTimer>(effect)) continue;
    lines.push_back(NameLinks(DescribeEffect(effect)));
    Collect(effect);
    if (const auto* open = std::get_if<OpenUpload>(&effect)) {
      const auto* received = std::get_if<Received>(&event);
      const auto* offer = received ? std::get_if<Offer>(&received->message) : nullptr;
      // Digests are names in scripts: the upload's bytes are those of whoever offered them.
      for (const std::string& name : kNames) {
        if (offer != nullptr && offer->digest == DigestNamed(name)) {
          upload_digests_[open->upload] = name;
        }
      }
    }
  }
  if (auto_io_ && !due_.empty()) {
    for (std::string& line : Complete(1)) lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> Script::Play(const std::string& line) {
  std::istringstream in(line);
  std::string command, word, who;
  in >> command;
  Arguments arguments;
  while (in >> word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) {
      who = word;
    } else {
      arguments[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  if (command == "job") return Job(arguments);
  if (command == "restart") return Start(arguments);
  if (command == "disk") return Step(DiskMeasured{Number(arguments, "free", 0)});
  if (command == "auto") return auto_io_ = who == "on", Complete(auto_io_ ? 1'000 : 0);
  if (command == "io") return Complete(Number(arguments, "count", 1'000));
  if (command == "disk_full") return Refuse();
  if (command == "store") return hold_store_ = who == "held", std::vector<std::string>();
  if (command == "stored") return EndStore(true);
  if (command == "store_full") return EndStore(false);
  if (command == "status") return StatusLines();
  if (command == "upload") return Upload(who, arguments);
  if (command == "tick") {
    now_ += static_cast<MonotonicMs>(Number(arguments, "ms", 100));
    return Step(Tick{});
  }
  if (command == "pass") {
    // Time passes with a tick every 250 ms, as the runtime gives them.
    std::vector<std::string> lines;
    for (auto left = static_cast<MonotonicMs>(Number(arguments, "ms", 1'000)); left > 0;
         left -= 250) {
      now_ += std::min<MonotonicMs>(left, 250);
      for (std::string& text : Step(Tick{})) lines.push_back(std::move(text));
    }
    return lines;
  }
  if (command == "checked") {
    const float magnitude = std::stof(Get(arguments, "max", "0.25"));
    const UploadId upload = Number(arguments, "upload", 0);
    std::erase_if(due_, [&](const Effect& e) {
      const auto* close = std::get_if<CloseUpload>(&e);
      return close != nullptr && close->upload == upload;
    });
    return Step(UploadChecked{upload,
                              DigestNamed(Get(arguments, "digest", "?")),
                              Get(arguments, "gaps", "zero") == "zero",
                              {magnitude}});
  }
  if (command == "rejected") {
    std::erase_if(due_, [](const Effect& e) { return !std::holds_alternative<Persist>(e); });
    return Step(ChunkRejected{Number(arguments, "upload", 0), ReasonOf(who)});
  }
  if (command == "evaluated") {
    return Step(Evaluated{
        {Number(arguments, "version", 1), 100, 0.5, std::stod(Get(arguments, "accuracy", "0.5"))}});
  }
  if (command == "link_gone") return Step(LinkGone{10 * (IndexOf(who) + 1)});
  if (command == "handshake_refused")
    return Step(HandshakeRefused{KeyOf(who), Reason::unknown_key});
  if (command == "unreadable") return Step(Unreadable{10 * (IndexOf(who) + 1), KeyOf(who)});
  if (command == "build_failed") {
    due_.clear();
    return Step(BuildFailed{{Reason::damage, "the sum cannot be read"}});
  }
  if (command == "drain") return Step(DrainRequested{});
  if (command == "enroll") return Step(EnrollRequested{7, who, KeyOf(Get(arguments, "key", who))});
  if (command == "revoke") return Step(RevokeRequested{8, who});
  static const std::vector<std::string> kMessages = {"hello", "bulk_hello", "lease_renew",
                                                     "offer", "chunk",      "model_request",
                                                     "leave", "welcome",    "refuse_coordinator"};
  if (std::find(kMessages.begin(), kMessages.end(), command) != kMessages.end()) {
    return Step(MessageEvent(command, who, arguments));
  }
  return {"unknown command: " + line};
}

}  // namespace muster::coordinator
