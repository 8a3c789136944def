// How configuration, logs and the compatibility matrix spell what a job chooses.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "model/job.h"

namespace muster {

/// A word and the enumerator it stands for. Defined for every enum of model/job.h, in the order of
/// the numbers.
template <typename T>
using JobWord = std::pair<std::string_view, T>;

template <typename T>
std::span<const JobWord<T>> JobWords();

/// The word of an enumerator. REQUIRES: it has one.
template <typename T>
std::string_view WordOf(T value) {
  for (const auto& [word, known] : JobWords<T>()) {
    if (known == value) return word;
  }
  CheckFailed(__FILE__, __LINE__, "WordOf", "an enumerator without a word");
}

/// What `strategy.name` says: a built-in strategy's word, or the name of a custom one.
std::string StrategyName(const StrategySpec& strategy);

}  // namespace muster
