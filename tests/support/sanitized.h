// What a test does less of under a sanitizer, where a step takes ten to thirty times as long.
#pragma once

namespace muster {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

/// How many seeds, points or values: all of them in a plain build, which is what proves the fact;
/// fewer under a sanitizer, which looks for what goes wrong in memory on the way.
template <typename T>
constexpr T UnlessSanitized(T all, T fewer) {
  return kSanitized ? fewer : all;
}

}  // namespace muster
