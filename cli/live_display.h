// What `muster run` draws on a terminal, redrawn in place.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/run_event.h"
#include "cli/status_snapshot.h"

namespace muster::cli {

/// All that the display shows.
struct LiveState {
  std::string job;
  std::uint64_t rounds = 0;
  std::optional<RunEvent> last_version;
  std::optional<StatusSnapshot> status;  ///< Nothing while the coordinator does not answer.
  std::map<std::string, std::uint32_t> restarts;
  std::string note;  ///< The last thing that went wrong; may be empty.
  double seconds = 0;
};

/// The lines of one picture, each at most `columns` wide, at most `rows` of them.
std::vector<std::string> RenderLive(const LiveState& state, std::size_t columns, std::size_t rows);

/// Draws pictures over each other on standard output. Not thread-safe.
class LiveDisplay {
 public:
  LiveDisplay() = default;
  ~LiveDisplay();
  LiveDisplay(const LiveDisplay&) = delete;
  LiveDisplay& operator=(const LiveDisplay&) = delete;

  void Draw(const LiveState& state);
  /// Takes the picture away and shows the cursor again.
  void Clear();

 private:
  std::size_t lines_drawn_ = 0;
};

}  // namespace muster::cli
