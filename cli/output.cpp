#include "cli/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/exit_codes.h"

namespace muster::cli {

void Print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

int Fail(const Error& error) {
  // One write: the line stays whole where several processes share a log.
  const std::string line = "muster: " + error.Text() + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
  return static_cast<int>(ExitCodeFor(error.reason));
}

int Report(const std::string& who, const RunOutcome& outcome, Format format) {
  const ExitCode code = ExitCodeFor(outcome.reason);
  if (code != ExitCode::ok && code != ExitCode::drained) {
    return Fail(Error{outcome.reason, who + " ended: " + outcome.text});
  }
  const std::string reason(ReasonName(outcome.reason));
  if (format == Format::json) {
    const nlohmann::ordered_json object = {
        {"event", "ended"}, {"who", who}, {"reason", reason}, {"text", outcome.text}};
    Print(object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  } else {
    Print(fmt::format("{}: {}{}{}\n", who, reason, outcome.text.empty() ? "" : ": ", outcome.text));
  }
  return static_cast<int>(code);
}

bool OutputIsTerminal() { return ::isatty(STDOUT_FILENO) == 1; }

}  // namespace muster::cli
