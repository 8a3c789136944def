#include "cli/run_output.h"

#include <fmt/format.h>

#include "cli/text.h"

namespace muster::cli {
namespace {

/// One JSON object a line, as the event log has them.
class JsonOutput : public RunOutput {
 public:
  void OnEvent(const RunEvent& event) override {
    // The summary is written after the end and said before it: the end is the last word.
    if (event.kind == EventKind::summary) return Print(event.line + "\n");
    // An end that another start follows was that of an earlier run: it comes in its place after
    // all.
    if (!end_.empty()) Print(end_ + "\n");
    end_.clear();
    if (EndsTheRun(event.kind)) {
      end_ = event.line;
    } else {
      Print(event.line + "\n");
    }
  }

  void Finish(const RunSummary&) override {
    if (!end_.empty()) Print(end_ + "\n");
  }

 private:
  std::string end_;
};

std::string ExitNote(const RunEvent& event) {
  return event.message.empty() ? event.exit : event.exit + ": " + event.message;
}

/// A line a round, and one for whatever goes wrong.
class TextOutput : public RunOutput {
 public:
  void OnEvent(const RunEvent& event) override {
    if (event.kind == EventKind::version) PrintVersion(event);
    if (event.kind == EventKind::attempt) {
      Print(fmt::format("       attempt {} of round {}: {} ({})\n", event.attempts, event.round,
                        event.reason, event.message));
    }
    if (event.kind == EventKind::restart) {
      Print(fmt::format("       restarted {} ({})\n", event.process, ExitNote(event)));
    }
    const bool waits = event.kind == EventKind::waiting || event.kind == EventKind::disk_full;
    if (waits) Print("       " + event.message + "\n");
    if (event.kind == EventKind::lost) {
      Print(fmt::format("       lost {} ({})\n", event.process, ExitNote(event)));
    }
  }

  void Finish(const RunSummary& summary) override { Print("\n" + RenderSummary(summary)); }

 private:
  void PrintVersion(const RunEvent& event) {
    if (!headed_) {
      Print(" round  accuracy     loss  updates  attempts  seconds        in       out  digest\n");
    }
    headed_ = true;
    const auto score = [](const std::optional<double>& value) {
      return value ? fmt::format("{:.4f}", *value) : std::string("-");
    };
    Print(fmt::format("{:>6}  {:>8}  {:>7}  {:>7}  {:>8}  {:>7.2f}  {:>8}  {:>8}  {}\n",
                      event.round, score(event.accuracy), score(event.loss), event.accepted,
                      event.attempts, event.seconds, HumanBytes(event.bytes_received),
                      HumanBytes(event.bytes_sent), event.digest.substr(0, 12)));
  }

  bool headed_ = false;
};

class LiveOutput : public RunOutput {
 public:
  void OnEvent(const RunEvent&) override {}
  bool WantsStatus() const override { return true; }
  void OnTick(const LiveState& state) override { display_.Draw(state); }
  void Finish(const RunSummary& summary) override {
    display_.Clear();
    Print(RenderSummary(summary));
  }

 private:
  LiveDisplay display_;
};

}  // namespace

std::unique_ptr<RunOutput> MakeRunOutput(Format format) {
  if (format == Format::json) return std::make_unique<JsonOutput>();
  if (OutputIsTerminal()) return std::make_unique<LiveOutput>();
  return MakeLineOutput();
}

std::unique_ptr<RunOutput> MakeLineOutput() { return std::make_unique<TextOutput>(); }

}  // namespace muster::cli
