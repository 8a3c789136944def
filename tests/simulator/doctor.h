// Stands between a real run and the checkers that judge it, and changes what they are told.
#pragma once

#include <functional>
#include <utility>
#include <variant>

#include "common/bytes.h"
#include "simulator/check/checker.h"

namespace muster::simulator {

/// Each may change what it is given; false: it is not told on.
struct Treatment {
  std::function<void(RecoveredState&)> start;
  std::function<bool(coordinator::Event&)> event;
  std::function<bool(coordinator::Effect&)> effect;
  std::function<bool(Batch&)> written;
  std::function<void(MonotonicMs&)> stepped;
  std::function<bool(participant::Event&)> member_event;
  std::function<bool(participant::Effect&)> member_effect;
  std::function<void(Bytes&)> base, trained, spooled;
};

class Doctor : public Watcher {
 public:
  Doctor(Treatment treatment, Observer& patients)
      : treatment_(std::move(treatment)), patients_(patients) {}

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override {
    RecoveredState state = recovered;
    if (treatment_.start) treatment_.start(state);
    patients_.Tell<&Watcher::OnStart>(state, store);
  }
  void OnEnd() override { patients_.Tell<&Watcher::OnEnd>(); }
  void OnEvent(const coordinator::Event& event) override {
    event_ = event;
    if (treatment_.event && !treatment_.event(event_)) return;
    patients_.Tell<&Watcher::OnEvent>(event_);
  }
  void OnEffect(const coordinator::Effect& effect) override {
    coordinator::Effect copy = effect;
    if (treatment_.effect && !treatment_.effect(copy)) return;
    patients_.Tell<&Watcher::OnEffect>(copy);
  }
  void OnStepped(const coordinator::CoordinatorCore& core, MonotonicMs now) override {
    if (treatment_.stepped) treatment_.stepped(now);
    patients_.Tell<&Watcher::OnStepped>(core, now);
  }
  void OnWritten(const Batch& batch) override {
    Batch copy = batch;
    if (treatment_.written && !treatment_.written(copy)) return;
    patients_.Tell<&Watcher::OnWritten>(copy);
  }
  void OnSpooled(coordinator::UploadId upload, ByteSpan bytes) override {
    Bytes copy(bytes.begin(), bytes.end());
    if (treatment_.spooled) treatment_.spooled(copy);
    patients_.Tell<&Watcher::OnSpooled>(upload, copy);
  }
  void OnParticipantStart(RosterIndex who, const participant::DurableState& state) override {
    patients_.Tell<&Watcher::OnParticipantStart>(who, state);
  }
  void OnParticipantEvent(RosterIndex who, const participant::Event& event) override {
    participant::Event copy = event;
    if (treatment_.member_event && !treatment_.member_event(copy)) return;
    patients_.Tell<&Watcher::OnParticipantEvent>(who, copy);
  }
  void OnParticipantEffect(RosterIndex who, const participant::Effect& effect) override {
    participant::Effect copy = effect;
    if (treatment_.member_effect && !treatment_.member_effect(copy)) return;
    patients_.Tell<&Watcher::OnParticipantEffect>(who, copy);
  }
  void OnParticipantStepped(RosterIndex who, const participant::ParticipantCore& core,
                            MonotonicMs now) override {
    patients_.Tell<&Watcher::OnParticipantStepped>(who, core, now);
  }
  void OnFit(RosterIndex who, const UpdateId& id, Version version, ByteSpan base) override {
    Bytes copy(base.begin(), base.end());
    if (treatment_.base) treatment_.base(copy);
    patients_.Tell<&Watcher::OnFit>(who, id, version, copy);
  }
  void OnTrained(RosterIndex who, const Trained& what) override {
    Bytes copy(what.update.begin(), what.update.end());
    if (treatment_.trained) treatment_.trained(copy);
    Trained shown = what;
    shown.update = copy;
    patients_.Tell<&Watcher::OnTrained>(who, shown);
  }

 private:
  const Treatment treatment_;
  Observer& patients_;
  coordinator::Event event_;  ///< Outlives its step.
};

/// Treats the first message of a kind that the coordinator sends.
template <class Kind, class Change>
Treatment OfSent(Change change) {
  Treatment treatment;
  treatment.effect = [change, done = false](coordinator::Effect& effect) mutable {
    auto* send = std::get_if<coordinator::Send>(&effect);
    auto* message = send == nullptr ? nullptr : std::get_if<Kind>(&send->message);
    if (message != nullptr && !std::exchange(done, true)) change(*message);
    return true;
  };
  return treatment;
}

template <class Kind, class Change>
Treatment OfEffect(Change change) {
  Treatment treatment;
  treatment.effect = [change, done = false](coordinator::Effect& effect) mutable {
    auto* found = std::get_if<Kind>(&effect);
    return found == nullptr || std::exchange(done, true) || change(*found);
  };
  return treatment;
}

/// Treats the first mutation of a kind in every batch: asked for, and applied.
template <class Kind, class Change>
Treatment OfMutation(Change change) {
  const auto treat = [change](Batch& batch) {
    for (Mutation& mutation : batch.mutations) {
      if (auto* found = std::get_if<Kind>(&mutation)) return change(*found);
    }
  };
  Treatment treatment;
  treatment.effect = [treat](coordinator::Effect& effect) {
    if (auto* persist = std::get_if<coordinator::Persist>(&effect)) treat(persist->batch);
    return true;
  };
  treatment.written = [treat](Batch& batch) {
    treat(batch);
    return true;
  };
  return treatment;
}

/// Batches with a mutation of this kind are not seen to be applied.
template <class Kind>
Treatment Unwritten() {
  Treatment treatment;
  treatment.written = [](Batch& batch) { return All<Kind>(batch).empty(); };
  return treatment;
}

template <class Kind, class Change>
Treatment OfReceived(Change change) {
  Treatment treatment;
  treatment.event = [change](coordinator::Event& event) {
    auto* received = std::get_if<coordinator::Received>(&event);
    if (received != nullptr && std::holds_alternative<Kind>(received->message)) change(*received);
    return true;
  };
  return treatment;
}

}  // namespace muster::simulator
