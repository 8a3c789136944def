#include "simulator/store/flip.h"

#include <algorithm>
#include <cctype>

namespace muster::simulator {
namespace {

/// "chunk 1 of version 2" is not named by "chunk 1 of version 23".
bool Names(std::string_view text, std::string_view name) {
  for (std::size_t at = text.find(name); at != std::string_view::npos;
       at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if (end == text.size() || !std::isdigit(static_cast<unsigned char>(text[end]))) return true;
  }
  return false;
}

}  // namespace

bool Flips::Any(FlippedIn where) const {
  return std::ranges::find(all_, where, &Flip::in) != all_.end();
}

// The database gives files new numbers, and what the log holds goes to tables: of it only the kind
// of file is sure, and only where the words name one.
bool Flips::Explain(std::string_view damage) const {
  const bool of_object = std::ranges::any_of(all_, [&](const Flip& flip) {
    return flip.in == FlippedIn::object && Names(damage, flip.name);
  });
  if (of_object) return true;
  // As a start tells it, which has folded what was not stored.
  if (damage.find("the spool holds other bytes") != std::string_view::npos) {
    return std::ranges::any_of(all_, [&](const Flip& flip) {
      return flip.in == FlippedIn::spool && Names(damage, flip.update);
    });
  }
  const bool of_table = damage.find(".sst") != std::string_view::npos;
  const bool of_log = damage.find("the log") != std::string_view::npos ||
                      damage.find(".log") != std::string_view::npos;
  return (!of_log && Any(FlippedIn::table)) || (!of_table && Any(FlippedIn::log));
}

bool Flips::ExplainSpool(std::uint64_t begin, std::uint64_t bytes) const {
  return std::ranges::any_of(all_, [&](const Flip& flip) {
    return flip.in == FlippedIn::spool && flip.byte >= begin && flip.byte < begin + bytes;
  });
}

}  // namespace muster::simulator
