#include "simulator/check/retention.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "simulator/check/reference.h"
#include "training/trainer.h"

namespace muster::simulator {
namespace {

std::set<Version> HeldIn(CheckpointStore& store) {
  const std::vector<Version> held = store.HeldVersions();
  return {held.begin(), held.end()};
}

ParameterLayout LayoutOf(const JobSpec& job) {
  const std::unique_ptr<Trainer> trainer = std::move(*CreateTrainer(job, 0, {}));
  return ReferenceLayout(job, trainer->layout());
}

}  // namespace

Retention::Retention(World& world, const CoordinatorSetup& setup, const Ledger& ledger)
    : Checker(world, "retention"), setup_(setup), ledger_(ledger), layout_(LayoutOf(setup.job)) {}

bool Retention::IsKept(Version version) const {
  const RetentionPolicy& policy = setup_.options.retention;
  const Version newest = *held_.rbegin();
  if (policy.keep_last == 0 || version == newest || version + policy.keep_last > newest) {
    return true;
  }
  return policy.keep_every != 0 && version % policy.keep_every == 0;
}

void Retention::CheckAllKept(const char* when) {
  for (Version version = 0; version <= *held_.rbegin(); ++version) {
    Expect(!IsKept(version) || held_.contains(version), [&] {
      return VersionText(version) + " is to be kept beside " + VersionText(*held_.rbegin()) +
             ", and " + when + " it is not held";
    });
  }
}

void Retention::CheckBytes(CheckpointStore& store, Version version) {
  const auto record = ledger_.records().find(version);
  Expect(record != ledger_.records().end(),
         [&] { return VersionText(version) + " is held and has no durable record"; });
  if (record == ledger_.records().end()) return;
  const auto unreadable = [&](const Error& error) {
    // A start may have met a power cut, which is no word of what lies there.
    if (error.reason == Reason::io_failed) return;
    Expect(MayBeRot(error),
           [&] { return VersionText(version) + " is held and cannot be read: " + error.Text(); });
  };
  const auto manifest = store.ReadManifest(version);
  if (!manifest) return unreadable(manifest.error());
  Bytes bytes;
  for (std::uint32_t i = 0; i < manifest->chunk_digests.size(); ++i) {
    const auto chunk = store.ReadVersionChunk(*manifest, i);
    if (!chunk) return unreadable(chunk.error());
    bytes.insert(bytes.end(), chunk->begin(), chunk->end());
  }
  const bool right = ReferenceDigest(layout_, bytes) == record->second.digest;
  Expect(right,
         [&] { return VersionText(version) + " is held with other bytes than its record has"; });
  if (right) read_.insert(version);
}

// What lies there was put there by lives that are over, and stays as it is until somebody reads it.
void Retention::OnStart(const RecoveredState& recovered, CheckpointStore& store) {
  held_ = HeldIn(store);
  evaluating_.clear();
  leftovers_ = false;
  const Version head = recovered.head->version;
  Expect(held_.contains(head), [&] { return VersionText(head) + ", head, is not held"; });
  if (held_.empty()) return;
  CheckAllKept("at a start");
  for (const Version version : held_) {
    if (!read_.contains(version)) CheckBytes(store, version);
  }
}

void Retention::OnEvent(const coordinator::Event& event) {
  if (const auto* stored = std::get_if<coordinator::VersionStored>(&event)) {
    held_.insert(stored->version);
  } else if (const auto* dropped = std::get_if<coordinator::VersionDropped>(&event)) {
    leftovers_ = leftovers_ || !dropped->gone;
    if (dropped->gone) held_.erase(dropped->version);
  } else if (const auto* evaluated = std::get_if<coordinator::Evaluated>(&event)) {
    evaluating_.erase(evaluated->record.version);
  }
}

void Retention::OnEffect(const coordinator::Effect& effect) {
  if (const auto* evaluate = std::get_if<coordinator::Evaluate>(&effect)) {
    evaluating_.insert(evaluate->version);
  } else if (const auto* stop = std::get_if<coordinator::Stop>(&effect)) {
    leftovers_ = leftovers_ || stop->reason != Reason::finished;
  }
  const auto* drop = std::get_if<coordinator::DropVersion>(&effect);
  if (drop == nullptr) return;
  Expect(held_.contains(drop->version) && !IsKept(drop->version) &&
             !evaluating_.contains(drop->version),
         [&] {
           return VersionText(drop->version) + " is removed, and the policy keeps it or the " +
                  "evaluator needs it";
         });
}

void Retention::OnFinish(CheckpointStore& store) {
  held_ = HeldIn(store);
  if (held_.empty()) return;
  CheckAllKept("at the end");
  for (const Version version : held_) {
    Expect(IsKept(version) || leftovers_, [&] {
      return VersionText(version) + " is held at the end beside " + VersionText(*held_.rbegin()) +
             ", and no policy keeps it";
    });
    CheckBytes(store, version);
  }
}

// Which are held says no policy any more; whose bytes can be read has the right ones.
void Retention::OnDamagedEnd(CheckpointStore& store) {
  for (const Version version : HeldIn(store)) {
    if (ledger_.records().contains(version)) CheckBytes(store, version);
  }
}

}  // namespace muster::simulator
