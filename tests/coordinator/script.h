// Plays a script of events against a coordinator core over a state in memory.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/core/core.h"
#include "simulator/store/batch_state.h"

namespace muster::coordinator {

/// One command a line; see script.cpp for the commands and their defaults. Completions of disk and
/// fold effects come with "io" (all that is due) or one by one; "auto" lets them come by
/// themselves. After "store held" a version is stored only by "stored", and "store_full" refuses
/// it: the thread that writes versions is as slow as the script wants.
class Script {
 public:
  Script();

  /// The effects of one command, a line each. An unknown command is a line that says so.
  std::vector<std::string> Play(const std::string& line);

 private:
  using Arguments = std::map<std::string, std::string>;

  std::vector<std::string> Job(const Arguments& arguments);
  /// The last process died: what was not persisted is forgotten. `reported`: the last version that
  /// was; head by default, or the one before if head is to be evaluated and is not.
  std::vector<std::string> Start(const Arguments& arguments);
  std::vector<std::string> Step(const Event& event);
  std::vector<std::string> Complete(std::size_t at_most);
  std::vector<std::string> Refuse();
  std::vector<std::string> EndStore(bool stored);
  std::vector<std::string> Upload(const std::string& who, const Arguments& arguments);
  std::vector<std::string> StatusLines() const;
  void Collect(const Effect& effect);
  Event CompletionOf(const Effect& effect);
  std::vector<UnfinishedRound> Unfinished() const;
  Event Stored(Version version);
  Event MessageEvent(const std::string& command, const std::string& who,
                     const Arguments& arguments);
  UpdateId Id(const std::string& who, const Arguments& arguments) const;
  RosterIndex IndexOf(const std::string& who) const;
  Fence CurrentFence(const Arguments& arguments) const;
  std::string NameLinks(std::string line) const;

  JobSpec job_;
  CoordinatorOptions options_;
  simulator::BatchState disk_;
  std::vector<RoundRecord> records_;
  std::set<Version> held_ = {0};  ///< Versions whose chunks are on it.
  std::unique_ptr<CoordinatorCore> core_;
  MonotonicMs now_ = 0;
  bool auto_io_ = false;
  std::deque<Effect> due_;  ///< Effects that want a completion.
  bool hold_store_ = false;
  std::optional<StoreVersion> store_due_;  ///< Held back, see above.
  std::map<UploadId, std::string> upload_digests_;
  std::map<std::string, std::uint32_t> incarnations_;
};

}  // namespace muster::coordinator
