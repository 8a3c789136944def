#include "cli/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "cli/run_event.h"
#include "common/exit_codes.h"
#include "common/file.h"

namespace muster::cli {
namespace {

bool output_failed = false;

void Complain(const std::string& line) { std::fwrite(line.data(), 1, line.size(), stderr); }

}  // namespace

void Print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (std::fflush(stdout) == 0 && written) return;
  const int error = errno;
  if (output_failed) return;
  output_failed = true;
  Complain("muster: " +
           SystemError(Reason::io_failed, "write to", "standard output", error).Text() + "\n");
}

bool OutputFailed() { return output_failed; }

int Fail(const Error& error, Format format) {
  const ExitCode code = ExitCodeFor(error.reason);
  // One write: the line stays whole where several processes share a log.
  if (format == Format::json) {
    Print(FailedLine({error.reason, error.message, static_cast<int>(code)}) + "\n");
  } else {
    Complain("muster: " + error.Text() + "\n");
  }
  return static_cast<int>(code);
}

int Report(const std::string& who, const RunOutcome& outcome, Format format) {
  const ExitCode code = ExitCodeFor(outcome.reason);
  if (format == Format::json) {
    Print(EndedLine(who, {outcome.reason, outcome.text, static_cast<int>(code)}) + "\n");
    return static_cast<int>(code);
  }
  if (code != ExitCode::ok && code != ExitCode::drained) {
    return Fail(Error{outcome.reason, who + " ended: " + outcome.text}, format);
  }
  Print(fmt::format("{}: {}{}{}\n", who, ReasonName(outcome.reason),
                    outcome.text.empty() ? "" : ": ", outcome.text));
  return static_cast<int>(code);
}

bool OutputIsTerminal() { return ::isatty(STDOUT_FILENO) == 1; }

}  // namespace muster::cli
