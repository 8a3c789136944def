// Plays a script of events against a participant core and records what it wants done.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "participant/core/core.h"

namespace muster::participant {

/// One command a line: "task round=3 base=2". Commands and their defaults: script.cpp.
class Script {
 public:
  Script();

  /// The effects of one command, a line each. An unknown command is a line that says so.
  std::vector<std::string> Play(const std::string& line);

 private:
  using Arguments = std::map<std::string, std::string>;

  void Begin(DurableState durable);
  Event Parse(const std::string& command, const Arguments& arguments);
  Message ParseMessage(const std::string& command, const Arguments& arguments);
  Welcome MakeWelcome(const Arguments& arguments);
  UpdateId Id(const Arguments& arguments) const;
  std::vector<std::string> Step(const Event& event);

  std::unique_ptr<ParticipantCore> core_;
  MonotonicMs now_ = 1'000;
  std::optional<Hello::Retained> said_retained_;  ///< Of the last hello.
  Fence fence_;                                   ///< Of the last welcome.
  Round round_ = 1;                               ///< Of the last task.
  Version base_ = 0;
  std::uint64_t processes_ = 0;
  PayloadHandle payload_ = 0;
  Token asked_token_ = 0;  ///< Of the last SaveState.
  DurableState asked_state_;
  DurableState saved_state_;
  std::string activity_;  ///< The last one shown: a line tells each change.
};

}  // namespace muster::participant
