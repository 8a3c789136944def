// Who was behind the others, as people see it at the end of a run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace muster::cli {

/// "2.1 x": what took `percent` of the median; empty for nothing.
std::string TimesMedian(std::optional<std::int64_t> percent);

/// A table of what StragglersJson says, with a line above it on the median; empty if nobody was
/// behind, or if the text is no such JSON.
std::string StragglerTable(const std::string& text);

}  // namespace muster::cli
