#include "cli/live_display.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cli/text.h"

namespace muster::cli {
namespace {

constexpr std::size_t kBarWidth = 30;
constexpr std::size_t kNamesShown = 6;
constexpr std::size_t kDigestShown = 16;

std::string Bar(std::uint64_t done, std::uint64_t all) {
  const std::uint64_t filled = all == 0 ? 0 : std::min(done, all) * kBarWidth / all;
  return "[" + std::string(filled, '#') + std::string(kBarWidth - filled, '.') + "]";
}

std::string Restarts(const std::map<std::string, std::uint32_t>& restarts) {
  std::string text;
  for (const auto& [name, count] : restarts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, count);
  }
  return text.empty() ? "none" : text;
}

void AddCohort(const StatusSnapshot& status, std::vector<std::string>& lines, std::size_t rows) {
  std::vector<const ParticipantLine*> cohort;
  for (const ParticipantLine& one : status.participants) {
    if (one.in_cohort) cohort.push_back(&one);
  }
  if (cohort.empty() || lines.size() + 2 > rows) return;
  const std::size_t room = rows - lines.size() - 1;
  const std::size_t shown = cohort.size() <= room ? cohort.size() : room - 1;
  lines.push_back("cohort");
  for (std::size_t i = 0; i < shown; ++i) {
    lines.push_back(fmt::format("  {:<20} {}", cohort[i]->name, cohort[i]->doing));
  }
  if (shown < cohort.size()) {
    lines.push_back(fmt::format("  ... and {} more", cohort.size() - shown));
  }
}

std::pair<std::size_t, std::size_t> TerminalSize() {
  winsize size = {};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {80, 24};
  return {size.ws_col, size.ws_row};
}

// One write a picture: what is drawn in pieces flickers.
void Put(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

std::vector<std::string> RenderLive(const LiveState& state, std::size_t columns, std::size_t rows) {
  std::vector<std::string> lines;
  const std::uint64_t version = state.last_version ? state.last_version->version
                                : state.status     ? state.status->version
                                                   : 0;
  lines.push_back(fmt::format("{}  {} rounds {}  {}", state.job, Bar(version, state.rounds),
                              DoneOf(version, state.rounds), HumanSeconds(state.seconds)));
  if (state.last_version) {
    const RunEvent& last = *state.last_version;
    const std::string scores = last.accuracy ? fmt::format("  accuracy {:.4f}  loss {:.4f}",
                                                           *last.accuracy, last.loss.value_or(0))
                                             : "";
    lines.push_back(fmt::format("version   {}  {}{}", last.version,
                                last.digest.substr(0, kDigestShown), scores));
  }
  if (state.status) {
    const StatusSnapshot& status = *state.status;
    lines.push_back(fmt::format("round     {}  attempt {}  {}  {} of {} updates", status.round,
                                status.attempt, status.phase, status.accepted, status.goal));
    lines.push_back("awaited   " + (status.awaited.empty()
                                        ? status.waiting_for
                                        : HumanList(status.awaited, kNamesShown)));
    lines.push_back(fmt::format("bytes     {} in  {} out", HumanBytes(status.bytes_received),
                                HumanBytes(status.bytes_sent)));
    if (status.mirror) lines.push_back("mirror    " + DescribeMirror(*status.mirror));
  } else {
    lines.push_back("round     the coordinator does not answer yet");
  }
  lines.push_back("restarts  " + Restarts(state.restarts));
  if (!state.note.empty()) lines.push_back("note      " + state.note);
  if (state.status) AddCohort(*state.status, lines, rows);
  if (lines.size() > rows) lines.resize(rows);
  for (std::string& line : lines) line = Clip(line, columns);
  return lines;
}

LiveDisplay::~LiveDisplay() { Clear(); }

void LiveDisplay::Draw(const LiveState& state) {
  const auto [columns, rows] = TerminalSize();
  // The cursor rests below the picture: one line less than the terminal has, or it scrolls.
  const auto lines = RenderLive(state, columns - 1, std::max<std::size_t>(rows, 2) - 1);
  std::string text = "\x1b[?25l";
  if (lines_drawn_ > 0) text += fmt::format("\x1b[{}A", lines_drawn_);
  for (const std::string& line : lines) text += line + "\x1b[K\n";
  Put(text + "\x1b[J");
  lines_drawn_ = lines.size();
}

void LiveDisplay::Clear() {
  if (lines_drawn_ == 0) return;
  Put(fmt::format("\x1b[{}A\x1b[J\x1b[?25h", lines_drawn_));
  lines_drawn_ = 0;
}

}  // namespace muster::cli
