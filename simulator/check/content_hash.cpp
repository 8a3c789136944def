#include "simulator/check/content_hash.h"

#include <variant>

namespace muster::simulator {
namespace {

// Of whatever is not named here the kind says enough, or its message was folded when it was sent.
template <class Kind>
void AddFields(Content& /*content*/, const Kind& /*what*/) {}

// --- The coordinator's ---------------------------------------------------------------------------

void AddFields(Content& content, const coordinator::Persisted& what) { content.Add(what.token); }
void AddFields(Content& content, const coordinator::ChunkRejected& what) {
  content.Add(what.upload, what.reason);
}
void AddFields(Content& content, const coordinator::UploadChecked& what) {
  content.Add(what.upload, what.digest, what.gaps_zero);
}
void AddFields(Content& content, const coordinator::Folded& what) { content.Add(what.id); }
void AddFields(Content& content, const coordinator::VersionBuilt& what) {
  content.Add(what.manifest.version, what.manifest.digest, what.model_digest);
}
void AddFields(Content& content, const coordinator::VersionStored& what) {
  content.Add(what.version);
}
void AddFields(Content& content, const coordinator::VersionDropped& what) {
  content.Add(what.version, what.gone);
}
void AddFields(Content& content, const coordinator::Evaluated& what) {
  content.Add(what.record.version, what.record.loss, what.record.accuracy);
}
void AddFields(Content& content, const coordinator::BuildFailed& what) {
  content.Add(what.error.reason);
}

void AddFields(Content& content, const coordinator::Send& what) { content.Add(what.link); }
void AddFields(Content& content, const coordinator::SendModelChunk& what) {
  content.Add(what.link, what.version, what.offset, what.bytes);
}
void AddFields(Content& content, const coordinator::Persist& what) {
  content.Add(what.token, what.batch);
}
void AddFields(Content& content, const coordinator::StoreChunk& what) {
  content.Add(what.upload, what.offset, what.checksum);
}
void AddFields(Content& content, const coordinator::Fold& what) {
  content.Add(what.id, what.digest, what.extent.index, what.weight);
  if (what.factor != 1) content.Add(what.factor);
}
void AddFields(Content& content, const coordinator::BuildVersion& what) {
  content.Add(what.version, what.weight_sum);
}
void AddFields(Content& content, const coordinator::StoreVersion& what) {
  content.Add(what.version);
}
void AddFields(Content& content, const coordinator::Evaluate& what) { content.Add(what.version); }
void AddFields(Content& content, const coordinator::DropVersion& what) {
  content.Add(what.version);
}
void AddFields(Content& content, const coordinator::Notice& what) {
  content.Add(what.kind, what.round, what.version, what.attempt, what.reason);
}
void AddFields(Content& content, const coordinator::ArmTimer& what) { content.Add(what.at); }
void AddFields(Content& content, const coordinator::Stop& what) { content.Add(what.reason); }

// --- A participant's -----------------------------------------------------------------------------

void AddFields(Content& content, const participant::FitDone& what) {
  content.Add(what.update.id, what.update.digest, what.update.weight, what.update.base_version);
  if (what.update.client_version != 0) content.Add(what.update.client_version);
}
void AddFields(Content& content, const participant::ModelChecked& what) {
  content.Add(what.version, what.digest);
}
void AddFields(Content& content, const participant::StartFit& what) {
  content.Add(what.id, what.base_version);
}
void AddFields(Content& content, const participant::SendUpdateChunk& what) {
  content.Add(what.id, what.offset, what.bytes);
}
void AddFields(Content& content, const participant::Notice& what) {
  content.Add(what.kind, what.reason);
}
void AddFields(Content& content, const participant::ArmTimer& what) { content.Add(what.at); }
void AddFields(Content& content, const participant::Stop& what) { content.Add(what.reason); }

template <class Variant>
void AddOne(Content& content, const Variant& what) {
  content.Add(what.index());
  std::visit([&content](const auto& one) { AddFields(content, one); }, what);
}

}  // namespace

void ContentHash::OnStart(const RecoveredState& recovered, CheckpointStore& /*store*/) {
  content_.Add(recovered.epoch.epoch.number, recovered.epoch.epoch.nonce, recovered.head->digest,
               recovered.accepted.size(), recovered.unstored.size(), recovered.fates.size());
}

void ContentHash::OnEvent(const coordinator::Event& event) { AddOne(content_, event); }
void ContentHash::OnEffect(const coordinator::Effect& effect) { AddOne(content_, effect); }
void ContentHash::OnWritten(const Batch& batch) { content_.Add(batch.mutations.size()); }

void ContentHash::OnParticipantEvent(RosterIndex who, const participant::Event& event) {
  content_.Add(who);
  AddOne(content_, event);
}

void ContentHash::OnParticipantEffect(RosterIndex who, const participant::Effect& effect) {
  content_.Add(who);
  AddOne(content_, effect);
}

}  // namespace muster::simulator
