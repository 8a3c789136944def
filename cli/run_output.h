// How `muster run` tells what happens: lines, JSON, or a picture on the terminal.
#pragma once

#include <memory>

#include "cli/live_display.h"
#include "cli/output.h"
#include "cli/run_event.h"
#include "cli/run_summary.h"

namespace muster::cli {

/// Not thread-safe.
class RunOutput {
 public:
  virtual ~RunOutput() = default;
  /// Each event once, in the order of the log.
  virtual void OnEvent(const RunEvent& event) = 0;
  /// True if OnTick wants a fresh status each time.
  virtual bool WantsStatus() const { return false; }
  /// Several times a second.
  virtual void OnTick(const LiveState&) {}
  /// Last.
  virtual void Finish(const RunSummary& summary) = 0;
};

/// text: a picture if standard output is a terminal, else a line a round. json: a line an event,
/// the one that ends the run last.
std::unique_ptr<RunOutput> MakeRunOutput(Format format);
/// A line a round, whatever standard output is.
std::unique_ptr<RunOutput> MakeLineOutput();

}  // namespace muster::cli
