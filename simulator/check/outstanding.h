// What the core has asked its runtime for and has no answer to yet, followed from outside.
#pragma once

#include <map>
#include <set>

#include "simulator/check/checker.h"

namespace muster::simulator {

/// Judges nothing.
class Outstanding : public Watcher {
 public:
  /// Batches that hold a mutation of a kind, not yet applied.
  template <class Kind>
  bool Persisting() const {
    for (const auto& [token, batch] : batches_) {
      if (!All<Kind>(batch).empty()) return true;
    }
    return false;
  }
  bool persisting() const { return !batches_.empty(); }
  std::size_t batches() const { return batches_.size(); }
  bool preparing() const { return !preparing_.empty(); }
  bool syncing() const { return !syncing_.empty(); }
  bool folding() const { return !folding_.empty(); }
  std::size_t folds() const { return folding_.size(); }
  bool building() const { return building_; }
  bool storing() const { return !storing_.empty(); }
  bool dropping() const { return !dropping_.empty(); }
  bool evaluating() const { return !evaluating_.empty(); }
  std::size_t evaluations() const { return evaluating_.size(); }
  /// Whether anything is under way that will bring an event by itself.
  bool any() const {
    return persisting() || preparing() || syncing() || folding() || building_ || storing() ||
           dropping() || evaluating();
  }

  void OnStart(const RecoveredState& recovered, CheckpointStore& store) override;
  void OnEvent(const coordinator::Event& event) override;
  void OnEffect(const coordinator::Effect& effect) override;

 private:
  std::map<coordinator::Token, Batch> batches_;
  std::set<coordinator::Token> preparing_, syncing_;
  std::multiset<UpdateId> folding_;
  bool building_ = false;
  std::set<Version> storing_, dropping_, evaluating_;
};

}  // namespace muster::simulator
