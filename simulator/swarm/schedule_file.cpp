#include "simulator/swarm/schedule_file.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <system_error>
#include <tuple>

#include "simulator/swarm/swarm_keys.h"

namespace muster::simulator {
namespace {

constexpr std::string_view kHeader = "muster schedule ";
constexpr std::string_view kBlanks = " \t\r";

std::vector<std::string_view> WordsOf(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

std::optional<std::uint64_t> NumberOf(std::string_view text) {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

/// Takes the lines one after another.
class Parser {
 public:
  explicit Parser(const std::string& file) : file_(file) {}

  Status Take(std::string_view line) {
    ++number_;
    // An editor's line ends and stray blanks say nothing.
    while (!line.empty() && kBlanks.find(line.back()) != std::string_view::npos) {
      line.remove_suffix(1);
    }
    if (line.empty() || line.front() == '#') return {};
    if (!headed_) return TakeHeader(line);
    const auto words = WordsOf(line);
    if (!words.empty() && words.front() == "option") return TakeOption(words);
    if (!words.empty() && words.front() == "fault") return TakeFault(words);
    return Wrong("neither `option NAME VALUE` nor `fault KIND ACTOR ORDINAL VALUE`");
  }

  Result<ScheduleFile> Finish() {
    if (!headed_) return Wrong("ends without `muster schedule 1`");
    const Status checked = CheckOptions(schedule_.options);
    if (!checked) return Error{checked.error().reason, file_ + ": " + checked.error().message};
    return std::move(schedule_);
  }

 private:
  Error Wrong(const std::string& what, Reason reason = Reason::file_malformed) const {
    return {reason, file_ + ":" + std::to_string(number_) + ": " + what};
  }

  Status TakeHeader(std::string_view line) {
    const auto version =
        line.starts_with(kHeader) ? NumberOf(line.substr(kHeader.size())) : std::nullopt;
    if (!version) return Wrong("is not `muster schedule 1`, with which a schedule begins");
    if (*version != kScheduleVersion) {
      return Wrong("schedule version " + std::to_string(*version) + "; this program reads " +
                       std::to_string(kScheduleVersion),
                   Reason::unsupported);
    }
    headed_ = true;
    return {};
  }

  Status TakeOption(const std::vector<std::string_view>& words) {
    if (words.size() != 3) return Wrong("write `option NAME VALUE`");
    const SwarmKey* key = FindSwarmKey(words[1]);
    if (key == nullptr) return Wrong("there is no option " + std::string(words[1]));
    const auto value = ParseSwarmValue(*key, words[2]);
    if (!value) return Wrong(value.error().message, value.error().reason);
    if (!named_.insert(key->name).second) return Wrong("option " + key->name + " comes twice");
    key->In(schedule_.options) = *value;
    return {};
  }

  Status TakeFault(const std::vector<std::string_view>& words) {
    if (words.size() != 5) return Wrong("write `fault KIND ACTOR ORDINAL VALUE`");
    const auto kind = FaultFromName(words[1]);
    if (!kind) return Wrong("there is no fault " + std::string(words[1]));
    const auto actor = NumberOf(words[2]);
    if (!actor || *actor >= kActorsMax) {
      return Wrong("actor " + std::string(words[2]) + ": must be a number below " +
                   std::to_string(kActorsMax));
    }
    const auto ordinal = NumberOf(words[3]);
    const auto value = NumberOf(words[4]);
    if (!ordinal || !value) return Wrong("ordinal and value must be whole numbers of 64 bits");
    if (!occasions_.emplace(*kind, *actor, *ordinal).second) return Wrong("comes twice");
    schedule_.faults.push_back({*kind, static_cast<Actor>(*actor), *ordinal, *value});
    return {};
  }

  const std::string& file_;
  std::uint64_t number_ = 0;
  bool headed_ = false;
  ScheduleFile schedule_;
  std::set<std::string> named_;
  std::set<std::tuple<FaultKind, std::uint64_t, std::uint64_t>> occasions_;
};

}  // namespace

std::string WriteSchedule(const ScheduleFile& schedule, std::string_view remarks) {
  std::string text = std::string(kHeader) + std::to_string(kScheduleVersion) + "\n";
  while (!remarks.empty()) {
    const std::size_t end = std::min(remarks.find('\n'), remarks.size());
    text += "# " + std::string(remarks.substr(0, end)) + "\n";
    remarks.remove_prefix(std::min(end + 1, remarks.size()));
  }
  const SwarmOptions defaults;
  for (const SwarmKey& key : SwarmKeys()) {
    if (key.Of(schedule.options) == key.Of(defaults)) continue;
    text += "option " + key.name + " " + SwarmValueText(key, key.Of(schedule.options)) + "\n";
  }
  for (const Fault& fault : schedule.faults) {
    text += "fault " + std::string(FaultName(fault.kind)) + " " + std::to_string(fault.actor) +
            " " + std::to_string(fault.ordinal) + " " + std::to_string(fault.value) + "\n";
  }
  return text;
}

Result<ScheduleFile> ParseSchedule(std::string_view text, const std::string& file) {
  Parser parser(file);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    MUSTER_TRY(parser.Take(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parser.Finish();
}

}  // namespace muster::simulator
