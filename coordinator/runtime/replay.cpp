#include "coordinator/runtime/replay.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "aggregation/strategy.h"
#include "aggregation/version.h"
#include "checkpoint/copy_version.h"
#include "checkpoint/load.h"
#include "common/digest.h"
#include "common/thread_pool.h"
#include "coordinator/runtime/refold.h"
#include "model/staleness.h"

namespace muster::coordinator {
namespace {

Error Differs(const std::string& what) {
  return Error{
      Reason::replay_differs,
      what +
          ". What is stored is whole: it is the data, the build or the kind of CPU that is "
          "not the one it was trained with"};
}

class Replayer {
 public:
  Replayer(CheckpointStore& store, const JobSpec& job, const DataOptions& data)
      : store_(store), job_(job), data_(data), strategy_(CreateStrategy(job)) {}

  Status Begin(Version from) {
    const std::vector<Version> held = store_.HeldVersions();
    const bool is_held = std::ranges::find(held, from) != held.end();
    MUSTER_TRY(is_held ? Load(from) : MakeInitial());
    replayed_.from = replayed_.to = from;
    return {};
  }

  /// Before the versions, where BeginsAtZero: which models and client-side states will be begun
  /// from.
  void Note(const RoundRecord& record) {
    for (const RecordedUpdate& update : record.accepted) {
      Version& last_base = last_base_uses_[update.base_version];
      last_base = std::max(last_base, record.version);
      if (update.client_version == 0) continue;
      Version& last = last_uses_[{update.id.slot, update.client_version}];
      last = std::max(last, record.version);
    }
  }

  Status Add(const RoundRecord& record) {
    if (IsCopy(record)) return AddCopy(record);
    at_ = record.version;
    if (record.parent != replayed_.to) MUSTER_TRY(Load(record.parent));
    auto model = TrainedModel();
    MUSTER_TRY(model);
    KeepBase(record.parent, *model);
    const UpdateBytes updates = [&](const RecordedUpdate& update) -> Result<UpdateSource> {
      if (update.base_version == record.parent) return Train(*model, update);
      const auto base = bases_.find(update.base_version);
      if (base != bases_.end()) return Train(base->second, update);
      return Error{Reason::damage, update.id.Text() + " in the record of version " +
                                       std::to_string(record.version) + " was trained on version " +
                                       std::to_string(update.base_version) +
                                       ", which is none of those before it"};
    };
    auto next = RefoldVersion(job_, *strategy_, *contents_, record, updates, pool_);
    // Nothing stored enters it but the record, which is verified, and the parent, which was.
    if (!next && next.error().reason == Reason::damage) return Differs(next.error().message);
    MUSTER_TRY(next);
    contents_ = std::move(*next);
    contents_digest_ = record.digest;
    replayed_.to = record.version;
    ++replayed_.versions;
    std::erase_if(
        bases_, [&](const auto& base) { return last_base_uses_.at(base.first) <= record.version; });
    std::erase_if(clients_, [&](const auto& client) {
      const auto use = last_uses_.find(client.first);
      return use == last_uses_.end() || use->second <= record.version;
    });
    return {};
  }

  const Replayed& replayed() const { return replayed_; }

 private:
  /// The model of a version that updates of later rounds were trained on, too.
  void KeepBase(Version version, const ParameterSet& model) {
    const auto last = last_base_uses_.find(version);
    if (last != last_base_uses_.end() && last->second > version + 1) {
      bases_.emplace(version, model.Clone());
    }
  }

  /// Of a source whose chunks were dropped the copy itself holds the content.
  Status AddCopy(const RoundRecord& record) {
    if (record.parent != replayed_.to) {
      const auto held = store_.HeldVersions();
      const bool source_held = std::ranges::find(held, record.parent) != held.end();
      MUSTER_TRY(Load(source_held ? record.parent : record.version));
    }
    auto manifest = store_.ReadManifest(record.version);
    MUSTER_TRY(manifest);
    if (contents_digest_ != record.digest || manifest->digest != record.digest) {
      return Error{Reason::damage, "version " + std::to_string(record.version) +
                                       " is a copy of version " + std::to_string(record.parent) +
                                       ", but has not its content"};
    }
    replayed_.to = record.version;
    ++replayed_.versions;
    return {};
  }

  /// Version 0, which the job decides, where it is not held any more.
  Status MakeInitial() {
    auto manifest = store_.ReadManifest(0);
    MUSTER_TRY(manifest);
    auto trainer = TrainerOf(0);
    MUSTER_TRY(trainer);
    auto contents = InitialVersion(*strategy_, (*trainer)->InitialParameters());
    MUSTER_TRY(contents);
    auto made = DescribeVersion(*contents, manifest->model_tensor_count, 0);
    MUSTER_TRY(made);
    if (made->digest != manifest->digest) {
      return Error{
          Reason::unsupported,
          "version 0, where a replay of this job begins, is not held, and it is not the one "
          "that the job makes by itself (checkpoint.keep_every keeps it)"};
    }
    contents_ = std::move(*contents);
    contents_digest_ = manifest->digest;
    return {};
  }

  Status Load(Version version) {
    auto manifest = store_.ReadManifest(version);
    MUSTER_TRY(manifest);
    auto contents = LoadVersion(store_, *manifest);
    MUSTER_TRY(contents);
    contents_ = std::move(*contents);
    contents_digest_ = manifest->digest;
    return {};
  }

  /// The trainer of a part stays for the next round: it has its examples by then.
  Result<Trainer*> TrainerOf(std::uint32_t part) {
    std::unique_ptr<Trainer>& trainer = trainers_[part];
    if (trainer == nullptr) {
      auto made = CreateTrainer(job_, part, data_);
      MUSTER_TRY(made);
      if (!(*made)->deterministic()) {
        return Error{Reason::unsupported, "the job's trainer does not promise equal bits"};
      }
      trainer = std::move(*made);
    }
    return trainer.get();
  }

  /// The version without what the server keeps to itself: what participants get.
  Result<ParameterSet> TrainedModel() {
    auto trainer = TrainerOf(0);
    MUSTER_TRY(trainer);
    auto layout = DownloadLayout(*strategy_, (*trainer)->layout());
    MUSTER_TRY(layout);
    ParameterSet model(std::move(*layout));
    std::ranges::copy(contents_->bytes().first(model.bytes().size()), model.bytes().begin());
    return model;
  }

  Result<UpdateSource> Train(const ParameterSet& model, const RecordedUpdate& update) {
    // Of shared data any trainer has all parts.
    const bool shared = job_.data.access == DataAccess::elastic;
    auto trainer = TrainerOf(shared ? 0 : update.id.slot);
    MUSTER_TRY(trainer);
    ByteSpan client;
    if (update.client_version != 0) {
      const auto known = clients_.find({update.id.slot, update.client_version});
      if (known == clients_.end()) {
        return Differs(update.id.Text() + " began from the client-side state of version " +
                       std::to_string(update.client_version) +
                       ", in which no update of its slot counts: its sender named a wrong one");
      }
      client = known->second;
    }
    const auto lanes = LanesOf(*strategy_, (*trainer)->layout());
    MUSTER_TRY(lanes);
    auto delta = std::make_shared<ParameterSet>(lanes->layout());
    auto fit = (*trainer)->Fit({update.id.round, update.id.slot, update.id.task},
                               strategy_->Ask(update.id.round), model, client, *delta,
                               std::stop_token(), [](const FitPosition&) {});
    MUSTER_TRY(fit);
    strategy_->CompleteUpdate({fit->steps, model, client}, *delta, fit->client);
    if (Xxh128Of(std::as_const(*delta).bytes()) != update.digest) {
      return Differs(update.id.Text() + " trained again is another update than the record names");
    }
    if (!fit->client.empty()) clients_[{update.id.slot, at_}] = std::move(fit->client);
    ++replayed_.updates;
    return UpdateSource{[delta](std::uint64_t offset, MutableByteSpan bytes) -> Status {
                          std::ranges::copy(
                              std::as_const(*delta).bytes().subspan(offset, bytes.size()),
                              bytes.begin());
                          return {};
                        },
                        update.weight};
  }

  CheckpointStore& store_;
  const JobSpec& job_;
  const DataOptions& data_;
  const std::unique_ptr<Strategy> strategy_;
  ThreadPool pool_{1};
  std::map<std::uint32_t, std::unique_ptr<Trainer>> trainers_;
  std::optional<ParameterSet> contents_;
  Sha256Digest contents_digest_{};
  Version at_ = 0;                         ///< What is being computed.
  std::map<Version, ParameterSet> bases_;  ///< As long as a later update begins from them.
  std::map<Version, Version> last_base_uses_;
  /// Client-side states by slot and the version in which they became current, as long as a later
  /// update begins from them.
  std::map<std::pair<Slot, Version>, Bytes> clients_;
  std::map<std::pair<Slot, Version>, Version> last_uses_;
  Replayed replayed_;
};

/// Where an update may begin from something older than its version's parent: client-side state, or
/// the model.
bool BeginsAtZero(const JobSpec& job) { return KeepsClientState(job) || TakesStale(job.round); }

}  // namespace

Result<Replayed> ReplayVersions(CheckpointStore& store, const JobSpec& job, const DataOptions& data,
                                const std::function<void(Version)>& progress) {
  const std::vector<Version> held = store.HeldVersions();
  if (held.empty()) return Error{Reason::not_found, "no version is held to begin with"};
  const Version from = BeginsAtZero(job) ? 0 : held.front();
  Replayer replayer(store, job, data);
  MUSTER_TRY(replayer.Begin(from));
  if (BeginsAtZero(job)) {
    MUSTER_TRY(store.ForEachRoundRecord([&](const RoundRecord& record) -> Status {
      replayer.Note(record);
      return {};
    }));
  }
  MUSTER_TRY(store.ForEachRoundRecord([&](const RoundRecord& record) -> Status {
    if (record.version <= from) return {};
    progress(record.version);
    return replayer.Add(record);
  }));
  return replayer.replayed();
}

}  // namespace muster::coordinator
