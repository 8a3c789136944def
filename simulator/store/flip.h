// Bits that were flipped where a coordinator's state lies, and which damage they account for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster::simulator {

/// What a flipped bit lies in.
enum class FlippedIn : std::uint8_t {
  object,  ///< Of the model: a chunk, a record, a manifest, a key.
  table,   ///< A sorted file of the database.
  log,     ///< The database's log.
  spool,
};

struct Flip {
  FlippedIn in = FlippedIn::object;
  std::string name;        ///< For the story. Of an object: as damage of it names it.
  std::uint64_t byte = 0;  ///< Of the spool: where in the file.
  std::string update;      ///< Of the model's spool: whose bytes they are.
};

/// All of one run. What is damaged for another reason is a broken promise.
class Flips {
 public:
  void Add(Flip flip) { all_.push_back(std::move(flip)); }
  bool any() const { return !all_.empty(); }
  bool Any(FlippedIn where) const;
  /// Whether damage of the store that is told in these words can be of a flipped bit. A model's
  /// must name what was flipped; the database's must be of the kind of file that was.
  bool Explain(std::string_view damage) const;
  /// The same of other bytes than were written at these of the spool's file.
  bool ExplainSpool(std::uint64_t begin, std::uint64_t bytes) const;

 private:
  std::vector<Flip> all_;
};

}  // namespace muster::simulator
