#include "common/error.h"

#include <cstdio>
#include <cstdlib>

namespace muster {

std::string_view ReasonName(Reason reason) {
  switch (reason) {
#define MUSTER_REASON(name, number, meaning) \
  case Reason::name:                         \
    return #name;
#include "common/reason.inc"
#undef MUSTER_REASON
  }
  return "unknown_reason";
}

std::string_view ReasonMeaning(Reason reason) {
  switch (reason) {
#define MUSTER_REASON(name, number, meaning) \
  case Reason::name:                         \
    return meaning;
#include "common/reason.inc"
#undef MUSTER_REASON
  }
  return "unknown reason";
}

std::optional<Reason> ReasonFromNumber(std::uint8_t number) {
  switch (number) {
#define MUSTER_REASON(name, number_, meaning) \
  case number_:                               \
    return Reason::name;
#include "common/reason.inc"
#undef MUSTER_REASON
    default:
      return std::nullopt;
  }
}

std::optional<Reason> ReasonFromName(std::string_view name) {
#define MUSTER_REASON(known, number, meaning) \
  if (name == #known) return Reason::known;
#include "common/reason.inc"
#undef MUSTER_REASON
  return std::nullopt;
}

std::string Error::Text() const { return std::string(ReasonName(reason)) + ": " + message; }

void CheckFailed(const char* file, int line, const char* condition, std::string_view text) {
  std::fprintf(stderr, "muster: broken invariant at %s:%d: %s: %.*s\n", file, line, condition,
               static_cast<int>(text.size()), text.data());
  std::abort();
}

}  // namespace muster
