#include "simulator/check/durable.h"

#include <string>

namespace muster::simulator {

void Durable::Announce(Version version, const std::optional<Sha256Digest>& digest,
                       const char* how) {
  const auto record = ledger_.records().find(version);
  const bool durable = record != ledger_.records().end();
  Expect(durable, [&] {
    return VersionText(version) + " is told of (" + how + ") before its record is durable";
  });
  if (!durable) return;
  Expect(!digest || *digest == record->second.digest, [&] {
    return VersionText(version) + " is told of (" + how + ") with another digest than recorded";
  });
  announced_.emplace(version, record->second.digest);
}

void Durable::OnEffect(const coordinator::Effect& effect) {
  if (const auto* task = Sent<TaskOrder>(effect)) {
    Announce(task->base_version, task->base_digest, "task");
  } else if (const auto* welcome = Sent<Welcome>(effect)) {
    Announce(welcome->head, std::nullopt, "welcome");
  } else if (const auto* committed = Sent<Committed>(effect)) {
    Announce(committed->version, std::nullopt, "committed");
  } else if (const auto* finished = Sent<JobFinished>(effect)) {
    Announce(finished->version, std::nullopt, "job_finished");
  } else if (const auto* chunk = std::get_if<coordinator::SendModelChunk>(&effect)) {
    Announce(chunk->version, std::nullopt, "model_chunk");
  } else if (const auto* notice = std::get_if<coordinator::Notice>(&effect)) {
    using Kind = coordinator::NoticeKind;
    const bool tells = notice->kind == Kind::version_committed ||
                       notice->kind == Kind::version_evaluated || notice->kind == Kind::finished;
    if (tells) Announce(notice->version, std::nullopt, "event");
  }
}

void Durable::OnEvent(const coordinator::Event& event) {
  if (const auto* stored = std::get_if<coordinator::VersionStored>(&event)) {
    stored_.insert(stored->version);
  }
}

void Durable::OnWritten(const Batch& batch) {
  for (const auto* put : All<PutRoundRecord>(batch)) {
    Expect(batch.sync, [&] {
      return VersionText(put->record.version) + " is committed by a batch that is not synced";
    });
  }
  // Without updates on the disk its chunks alone make a version durable.
  for (const auto* put : All<PutRoundRecord>(batch)) {
    Expect(!ledger_.in_memory() || stored_.contains(put->record.version), [&] {
      return VersionText(put->record.version) + " is committed before its chunks are durable";
    });
  }
  for (const auto* clear : All<ClearAccepted>(batch)) {
    // In this federation a round's version has its number.
    Expect(stored_.contains(clear->round), [&] {
      return "the updates of round " + std::to_string(clear->round) +
             " are given up before its version is stored";
    });
  }
}

void Durable::ExpectAnnounced(CheckpointStore& store, const char* when) {
  for (const auto& [version, digest] : announced_) {
    const auto record = store.ReadRoundRecord(version);
    // That it says so is all that is promised of flipped bits.
    const bool rotten = !record && MayBeRot(record.error());
    Expect(rotten || (record.has_value() && record->digest == digest), [&, version = version] {
      return VersionText(version) + " was announced and " + when + " " +
             (record ? "has another digest" : "cannot be read: " + record.error().Text());
    });
  }
}

void Durable::OnStart(const RecoveredState& recovered, CheckpointStore& store) {
  stored_.clear();
  const Version head = recovered.head->version;
  const Version told = announced_.empty() ? 0 : announced_.rbegin()->first;
  Expect(told <= head, [&] {
    return VersionText(told) + " was announced; after start " + std::to_string(ledger_.starts()) +
           " head is " + std::to_string(head);
  });
  ExpectAnnounced(store, "after a start");
}

void Durable::OnFinish(CheckpointStore& store) { ExpectAnnounced(store, "at the end"); }

void Durable::OnDamagedEnd(CheckpointStore& store) {
  ExpectAnnounced(store, "at an end for damage");
}

}  // namespace muster::simulator
