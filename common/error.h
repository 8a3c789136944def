// Errors are values: a named Reason and a message that says who did what, where, and what to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace muster {

/// Every named refusal, failure and outcome. The same names in code, wire, metrics, logs and docs.
enum class Reason : std::uint8_t {
#define MUSTER_REASON(name, number, meaning) name = number,
#include "common/reason.inc"
#undef MUSTER_REASON
};

/// The snake_case name, e.g. "round_closed".
std::string_view ReasonName(Reason reason);
/// One sentence on what the reason means.
std::string_view ReasonMeaning(Reason reason);
/// The reason with this number, or nothing: numbers come from peers and disks.
std::optional<Reason> ReasonFromNumber(std::uint8_t number);
/// The reason called so, or nothing: names come from newer processes and from people.
std::optional<Reason> ReasonFromName(std::string_view name);

struct Error {
  Reason reason = Reason::internal;
  std::string message;  ///< Who did what, where; without the reason's name.

  /// "reason: message", as logs and users see it.
  std::string Text() const;
};

/// A value or an Error. Ignoring one is a compile error.
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}  // NOLINT
};

/// Success or an Error.
class [[nodiscard]] Status : public tl::expected<void, Error> {
 public:
  using tl::expected<void, Error>::expected;
  Status() = default;
  Status(Error error) : tl::expected<void, Error>(tl::unexpect, std::move(error)) {}  // NOLINT
};

/// Ends the process with the place and the text: for broken invariants of ours, never for what a
/// peer, a user or a disk can cause.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition,
                              std::string_view text);

}  // namespace muster

#define MUSTER_CHECK(condition, text)                                              \
  do {                                                                             \
    if (!(condition)) ::muster::CheckFailed(__FILE__, __LINE__, #condition, text); \
  } while (false)

/// Returns the error of a Status or Result expression from the enclosing function.
#define MUSTER_TRY(expression)                                         \
  do {                                                                 \
    if (auto&& muster_try_ = (expression); !muster_try_.has_value()) { \
      return ::muster::Error(std::move(muster_try_.error()));          \
    }                                                                  \
  } while (false)
