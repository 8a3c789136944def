// How values of each kind enter and leave the configuration: what config_keys.cpp is made of.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/config_keys.h"
#include "cli/nearest.h"
#include "model/job_words.h"

namespace muster::cli::kinds {

inline Error Refuse(std::string text) { return Error{Reason::config_invalid, std::move(text)}; }

inline Error WrongKind(const std::string& wanted, const SettingValue& value) {
  return Refuse(fmt::format("must be {}, not {}", wanted, DescribeValue(value)));
}

/// Stores an integer in [least, most]. `access` gives the field of a Config.
template <typename Access>
ConfigKey Integer(std::string name, std::string meaning, std::int64_t least, std::int64_t most,
                  Access access) {
  using Field = std::remove_cvref_t<decltype(access(std::declval<Config&>()))>;
  const auto set = [=](Config& config, const SettingValue& value) -> Status {
    const auto* number = std::get_if<std::int64_t>(&value);
    if (number == nullptr) return WrongKind("an integer", value);
    if (*number < least || *number > most) {
      return Refuse(fmt::format("is {}; it must lie between {} and {}", *number, least, most));
    }
    access(config) = static_cast<Field>(*number);
    return {};
  };
  const auto get = [=](const Config& config) { return fmt::format("{}", access(config)); };
  return {std::move(name), "integer", std::move(meaning), "", set, get};
}

/// Any integer that the field can hold: another place judges it (ValidateJob).
template <typename Access>
ConfigKey Count(std::string name, std::string meaning, Access access) {
  using Field = std::remove_cvref_t<decltype(access(std::declval<Config&>()))>;
  constexpr std::int64_t kMost = sizeof(Field) >= sizeof(std::int64_t)
                                     ? std::numeric_limits<std::int64_t>::max()
                                     : static_cast<std::int64_t>(std::numeric_limits<Field>::max());
  return Integer(std::move(name), std::move(meaning), 0, kMost, access);
}

inline Result<double> FiniteNumber(const SettingValue& value) {
  const auto* whole = std::get_if<std::int64_t>(&value);
  const auto* number = std::get_if<double>(&value);
  if (whole != nullptr) return static_cast<double>(*whole);
  if (number == nullptr) return WrongKind("a number", value);
  if (!std::isfinite(*number)) return Refuse("must be a finite number");
  return *number;
}

template <typename Access>
ConfigKey Number(std::string name, std::string meaning, Access access) {
  const auto set = [=](Config& config, const SettingValue& value) -> Status {
    const Result<double> number = FiniteNumber(value);
    if (!number) return number.error();
    access(config) = *number;
    return {};
  };
  const auto get = [=](const Config& config) { return fmt::format("{}", access(config)); };
  return {std::move(name), "number", std::move(meaning), "", set, get};
}

/// Seconds in the file, whole milliseconds in the field.
template <typename Access>
ConfigKey Seconds(std::string name, std::string meaning, double least, double most, Access access) {
  const auto set = [=](Config& config, const SettingValue& value) -> Status {
    const Result<double> seconds = FiniteNumber(value);
    if (!seconds) return seconds.error();
    if (*seconds < least || *seconds > most) {
      return Refuse(fmt::format("is {} s; it must lie between {} and {}", *seconds, least, most));
    }
    access(config) = std::llround(*seconds * 1000);
    return {};
  };
  const auto get = [=](const Config& config) {
    return fmt::format("{}", static_cast<double>(access(config)) / 1000);
  };
  return {std::move(name), "seconds", std::move(meaning), "", set, get};
}

/// A string that `judge` accepts; it gets the text and answers what is wrong, or nothing.
template <typename Access, typename Judge>
ConfigKey Text(std::string name, std::string meaning, Access access, Judge judge) {
  const auto set = [=](Config& config, const SettingValue& value) -> Status {
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) return WrongKind("a string", value);
    const std::string wrong = judge(*text);
    if (!wrong.empty()) return Refuse(fmt::format("is {}; {}", TomlString(*text), wrong));
    access(config) = *text;
    return {};
  };
  const auto get = [=](const Config& config) { return TomlString(access(config)); };
  return {std::move(name), "string", std::move(meaning), "", set, get};
}

/// One of the words of model/job_words.h.
template <typename T, typename Access>
ConfigKey Choice(std::string name, std::string meaning, Access access) {
  const std::span<const JobWord<T>> words = JobWords<T>();
  std::vector<std::string> known;
  std::string type;
  for (const auto& [word, ignored] : words) {
    known.emplace_back(word);
    type += (type.empty() ? "" : " | ") + TomlString(known.back());
  }
  const auto set = [=](Config& config, const SettingValue& value) -> Status {
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) return WrongKind("one of " + type, value);
    for (const auto& [word, choice] : words) {
      if (word != *text) continue;
      access(config) = choice;
      return {};
    }
    const auto nearest = Nearest(*text, known);
    const std::string hint =
        nearest ? "did you mean " + TomlString(*nearest) + "?" : "it must be one of " + type;
    return Refuse(fmt::format("is {}; {}", TomlString(*text), hint));
  };
  const auto get = [=](const Config& config) {
    return TomlString(std::string(WordOf(access(config))));
  };
  return {std::move(name), type, std::move(meaning), "", set, get};
}

}  // namespace muster::cli::kinds
