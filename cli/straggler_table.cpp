#include "cli/straggler_table.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/text.h"

namespace muster::cli {
namespace {

using Json = nlohmann::json;

std::optional<std::int64_t> WholeOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

std::string Seconds(std::optional<std::int64_t> ms) {
  return ms ? HumanSeconds(static_cast<double>(*ms) / 1000) : std::string();
}

std::string NameOf(const Json& member) {
  const auto found = member.find("name");
  return found != member.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string TimesMedian(std::optional<std::int64_t> percent) {
  return percent ? fmt::format("{:.1f} x", static_cast<double>(*percent) / 100) : std::string();
}

std::string StragglerTable(const std::string& text) {
  const Json told = Json::parse(text, nullptr, false);
  if (!told.is_object() || !told.contains("members")) return "";
  Table table({"straggler", "updates", "took", "of median", "late", "missed"}, {1, 2, 3, 4, 5});
  std::size_t rows = 0;
  for (const Json& member : told["members"]) {
    if (!member.is_object()) continue;
    table.Add({NameOf(member), fmt::format("{}", WholeOf(member, "updates").value_or(0)),
               Seconds(WholeOf(member, "typical_ms")),
               TimesMedian(WholeOf(member, "percent_of_median")),
               fmt::format("{}", WholeOf(member, "late").value_or(0)),
               fmt::format("{}", WholeOf(member, "missed").value_or(0))});
    ++rows;
  }
  if (rows == 0) return "";
  const std::string median = Seconds(WholeOf(told, "median_ms"));
  const std::int64_t more = WholeOf(told, "more").value_or(0);
  return fmt::format("\n{}{}{}", table.Text(),
                     more > 0 ? fmt::format("and {} more\n", more) : std::string(),
                     median.empty() ? std::string()
                                    : fmt::format("an update took {} in the median, as far as the "
                                                  "last coordinator process saw\n",
                                                  median));
}

}  // namespace muster::cli
