#include "simulator/swarm/seed_frames.h"

#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace muster::simulator {
namespace {

template <typename T>
concept Number = std::is_integral_v<T> || std::is_enum_v<T>;

/// All that makes up each of them, in order; of a const or another one.
template <typename Archive, typename Outcome>
void FieldsOfOutcome(Archive& archive, Outcome& outcome) {
  archive.Take(outcome.ending);
  archive.Take(outcome.what);
  archive.Take(outcome.damaged);
  archive.Take(outcome.hash);
  archive.Take(outcome.commits);
  archive.Take(outcome.events);
  archive.Take(outcome.simulated);
  archive.Take(outcome.faults);
  archive.Take(outcome.coverage);
  archive.Take(outcome.states.coordinator);
  archive.Take(outcome.states.participants);
  archive.Take(outcome.looks);
  archive.Take(outcome.story);
  archive.Take(outcome.core);
  archive.Take(outcome.budget_used_permille);
}

template <typename Archive, typename Line>
void FieldsOfLine(Archive& archive, Line& line) {
  archive.Take(line.at);
  archive.Take(line.actor);
  archive.Take(line.text);
}

template <typename Archive, typename F>
void FieldsOfFault(Archive& archive, F& fault) {
  archive.Take(fault.kind);
  archive.Take(fault.actor);
  archive.Take(fault.ordinal);
  archive.Take(fault.value);
}

class Writer {
 public:
  template <Number T>
  void Take(const T& number) {
    const auto wide = static_cast<std::uint64_t>(number);
    bytes.append(reinterpret_cast<const char*>(&wide), sizeof wide);
  }
  void Take(std::string_view text) {
    Take(text.size());
    bytes += text;
  }
  void Take(const StoryLine& line) { FieldsOfLine(*this, line); }
  void Take(const Fault& fault) { FieldsOfFault(*this, fault); }
  template <typename A, typename B>
  void Take(const std::pair<A, B>& pair) {
    Take(pair.first);
    Take(pair.second);
  }
  template <typename T>
  void Take(const std::optional<T>& value) {
    Take(value.has_value());
    if (value) Take(*value);
  }
  template <typename T>
  void Take(const std::vector<T>& values) {
    Take(values.size());
    for (const T& value : values) Take(value);
  }
  template <typename K, typename V, typename C>
  void Take(const std::map<K, V, C>& values) {
    Take(values.size());
    for (const auto& value : values) Take(value);
  }

  std::string bytes;
};

/// After the first thing that is not there whole nothing more is read.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }

  template <Number T>
  void Take(T& number) {
    std::uint64_t wide = 0;
    const std::string_view raw = Next(sizeof wide);
    if (raw.size() == sizeof wide) std::memcpy(&wide, raw.data(), sizeof wide);
    number = static_cast<T>(wide);
  }
  void Take(std::string& text) { text = Next(Count()); }
  /// Names of the program: few, and they stay.
  void Take(std::string_view& name) {
    static std::set<std::string, std::less<>> names;
    name = *names.emplace(Next(Count())).first;
  }
  void Take(StoryLine& line) { FieldsOfLine(*this, line); }
  void Take(Fault& fault) { FieldsOfFault(*this, fault); }
  template <typename A, typename B>
  void Take(std::pair<A, B>& pair) {
    Take(pair.first);
    Take(pair.second);
  }
  template <typename T>
  void Take(std::optional<T>& value) {
    value.reset();
    if (Count() != 0) Take(value.emplace());
  }
  template <typename T>
  void Take(std::vector<T>& values) {
    values.clear();
    for (std::uint64_t left = Count(); left > 0 && ok_; --left) Take(values.emplace_back());
  }
  template <typename K, typename V, typename C>
  void Take(std::map<K, V, C>& values) {
    values.clear();
    for (std::uint64_t left = Count(); left > 0 && ok_; --left) {
      std::pair<K, V> value;
      Take(value);
      values.insert(std::move(value));
    }
  }

 private:
  std::uint64_t Count() {
    std::uint64_t count = 0;
    Take(count);
    return count;
  }
  std::string_view Next(std::uint64_t count) {
    if (count > bytes_.size()) ok_ = false;
    if (!ok_) return {};
    const std::string_view next = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return next;
  }

  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace

std::string EncodeStoryLine(const StoryLine& line) {
  Writer writer;
  writer.Take(line);
  return std::move(writer.bytes);
}

std::string EncodeOutcome(const SeedOutcome& outcome) {
  Writer writer;
  FieldsOfOutcome(writer, outcome);
  return std::move(writer.bytes);
}

std::optional<StoryLine> DecodeStoryLine(std::string_view bytes) {
  Reader reader(bytes);
  StoryLine line;
  reader.Take(line);
  return reader.ok() ? std::optional(std::move(line)) : std::nullopt;
}

std::optional<SeedOutcome> DecodeOutcome(std::string_view bytes) {
  Reader reader(bytes);
  SeedOutcome outcome;
  FieldsOfOutcome(reader, outcome);
  return reader.ok() ? std::optional(std::move(outcome)) : std::nullopt;
}

std::optional<SeedOutcome> DecodeCrash(std::string_view bytes) {
  CrashFrame crash;
  if (bytes.size() < sizeof crash) return std::nullopt;
  std::memcpy(&crash, bytes.data(), sizeof crash);
  bytes.remove_prefix(sizeof crash);
  SeedOutcome outcome;
  outcome.ending = Ending::crash;
  outcome.hash = crash.hash;
  outcome.events = crash.events;
  outcome.simulated = static_cast<Micros>(crash.simulated);
  outcome.faults.resize(bytes.size() / sizeof(Fault));
  std::memcpy(outcome.faults.data(), bytes.data(), outcome.faults.size() * sizeof(Fault));
  return outcome;
}

}  // namespace muster::simulator
