// "Did you mean ...?"
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster::cli {

/// How many characters must be inserted, removed, replaced, or swapped with their neighbour to turn
/// `a` into `b` (optimal string alignment distance).
std::size_t EditDistance(std::string_view a, std::string_view b);

/// The candidate that was probably meant: the same word under another section, or the nearest one
/// if it is near enough to be a slip. The first of several that are equally near.
std::optional<std::string> Nearest(std::string_view word,
                                   const std::vector<std::string>& candidates);

}  // namespace muster::cli
