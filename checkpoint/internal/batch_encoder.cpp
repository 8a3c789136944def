#include "checkpoint/internal/batch_encoder.h"

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "checkpoint/internal/keys.h"
#include "common/limits.h"
#include "protocol/record_codec.h"

namespace muster::checkpoint {
namespace {

/// Visits mutations in order.
class Encoder {
 public:
  explicit Encoder(const StoreIndex& index) : index_(index) {
    change_.batch_number = index.batch_number + 1;
    change_.head = index.head;
    PutNumber(kBatchNumberKey, change_.batch_number);
  }

  void operator()(const PutJob& m) { Put(Family::meta, kJobKey, EncodeRecord(m.record)); }
  void operator()(const PutEpoch& m) { Put(Family::meta, kEpochKey, EncodeRecord(m.record)); }
  void operator()(const PutPastEpoch& m) {
    const std::uint64_t number = m.epoch.number;
    Put(Family::meta, PastEpochKey(number), EncodeRecord(m.epoch));
    if (number > limits::kPastEpochsMax) {
      Delete(Family::meta, PastEpochKey(number - limits::kPastEpochsMax));
    }
  }
  void operator()(const PutLineage& m) {
    Put(Family::meta, LineageKey(m.record.id.number), EncodeRecord(m.record));
  }
  void operator()(const PutRosterEntry& m) {
    Put(Family::meta, RosterKey(m.entry.index), EncodeRecord(m.entry));
  }
  void operator()(const PutFinish& m) { Put(Family::meta, kFinishKey, EncodeRecord(m.record)); }
  void operator()(const ClearFinish&) { Delete(Family::meta, kFinishKey); }

  void operator()(const PutOpenRound& m) {
    Put(Family::ledger, kOpenRoundKey, EncodeRecord(m.round));
  }
  void operator()(const PutAccepted& m) {
    Put(Family::ledger, AcceptedKey(m.update.id), EncodeRecord(m.update));
    change_.accepted.insert_or_assign(m.update.id, m.update.counts_in);
  }
  void operator()(const ClearOpenRound&) { Delete(Family::ledger, kOpenRoundKey); }
  void operator()(const ClearAccepted& m) {
    DeleteAccepted(index_.accepted, m.round);
    DeleteAccepted(change_.accepted, m.round);
  }
  void operator()(const PutFate& m) {
    Put(Family::ledger, FateKey(m.fate.id.slot), EncodeRecord(m.fate));
  }

  void operator()(const PutRoundRecord& m) {
    Put(Family::rounds, RecordKey(m.record.version), EncodeRecord(m.record));
    MoveHead(m.record.version);
  }
  void operator()(const PutVersion& m) {
    Put(Family::rounds, ManifestKey(m.manifest.version), EncodeRecord(m.manifest));
    change_.versions.push_back(m.manifest.version);
    // The initial model has no round record.
    if (!change_.head) MoveHead(m.manifest.version);
  }
  void operator()(const PutEvaluation& m) {
    Put(Family::rounds, EvaluationKey(m.record.version), EncodeRecord(m.record));
  }

  EncodedBatch Finish() { return {std::move(changes_), std::move(change_)}; }

 private:
  void Put(Family family, std::string_view key, Bytes value) {
    changes_.push_back({family, std::string(key), std::move(value)});
  }
  void PutNumber(std::string_view key, std::uint64_t number) {
    Bytes value(sizeof(number));
    StoreLittle(value, 0, number);
    Put(Family::meta, key, std::move(value));
  }
  void Delete(Family family, std::string_view key) {
    changes_.push_back({family, std::string(key), std::nullopt});
  }
  void DeleteAccepted(const std::map<UpdateId, Round>& accepted, Round last) {
    for (const auto& [id, counts_in] : accepted) {
      if (counts_in > last || !change_.cleared.insert(id).second) continue;
      Delete(Family::ledger, AcceptedKey(id));
    }
  }
  void MoveHead(Version version) {
    change_.head = version;
    PutNumber(kHeadKey, version);
  }

  const StoreIndex& index_;
  IndexChange change_;
  std::vector<KeyChange> changes_;
};

}  // namespace

void IndexChange::ApplyTo(StoreIndex* index) const {
  index->batch_number = batch_number;
  index->head = head;
  index->accepted.insert(accepted.begin(), accepted.end());
  for (const UpdateId& id : cleared) index->accepted.erase(id);
  index->versions.insert(versions.begin(), versions.end());
}

EncodedBatch EncodeBatch(const Batch& batch, const StoreIndex& index) {
  Encoder encoder(index);
  for (const Mutation& mutation : batch.mutations) std::visit(encoder, mutation);
  return encoder.Finish();
}

}  // namespace muster::checkpoint
