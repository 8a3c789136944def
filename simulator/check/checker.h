// What all checkers share: they look on, count how often they looked, and say what is broken.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/federation/observer.h"
#include "simulator/world/world.h"

namespace muster::simulator {

class Checker : public Watcher {
 public:
  /// `world` must outlive the checker; `name` is a literal: "P1 durable".
  Checker(World& world, std::string_view name) : world_(world), name_(name) {}

  std::string_view name() const { return name_; }
  /// How often it compared anything: 0 tells of a checker that never ran.
  std::uint64_t looks() const { return looks_; }

  /// The run is over, its coordinator ended: what can be said only now. `store` holds its state.
  virtual void OnFinish(CheckpointStore& /*store*/) {}
  /// The same of a run that ended for damage: what of `store` can be read must be what was written.
  virtual void OnDamagedEnd(CheckpointStore& /*store*/) {}

 protected:
  /// `text()`, asked for only if it is not kept, says who, which id or version, what was expected.
  template <class Text>
  void Expect(bool kept, const Text& text) {
    ++looks_;
    if (!kept) world_.Violate(std::string(name_) + ": " + text());
  }

  /// Whether this may come of a flipped bit. A damaged log ends before what it lost.
  bool MayBeRot(const Error& error) const {
    const Flips& flips = world_.flips();
    if (error.reason == Reason::not_found) return flips.Any(FlippedIn::log);
    return error.reason == Reason::damage && flips.Explain(error.Text());
  }

  World& world_;

 private:
  const std::string_view name_;
  std::uint64_t looks_ = 0;
};

/// "l1.e3": lineage 1, epoch 3.
inline std::string FenceText(const Fence& fence) {
  return "l" + std::to_string(fence.lineage) + ".e" + std::to_string(fence.epoch.number);
}
inline std::string VersionText(Version version) { return "version " + std::to_string(version); }
inline std::string MemberText(RosterIndex index) { return "participant " + std::to_string(index); }

/// The mutations of one kind in a batch, in order.
template <class Kind>
std::vector<const Kind*> All(const Batch& batch) {
  std::vector<const Kind*> found;
  for (const Mutation& mutation : batch.mutations) {
    if (const auto* one = std::get_if<Kind>(&mutation)) found.push_back(one);
  }
  return found;
}

/// The message of this kind that `effect` sends, if it does.
template <class Kind>
const Kind* Sent(const coordinator::Effect& effect) {
  const auto* send = std::get_if<coordinator::Send>(&effect);
  return send == nullptr ? nullptr : std::get_if<Kind>(&send->message);
}

}  // namespace muster::simulator
