// The user's key of an encrypted state directory: it wraps the data keys (internal/key_ring.h).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/secret.h"

namespace muster {

/// Names the environment variable that may hold the key as 64 hexadecimal characters.
inline constexpr const char* kStateKeyVariable = "MUSTER_STATE_KEY";

/// 32 secret bytes, or none: then state directories are read and written in plain bytes. Copies
/// share one secret, which is wiped with the last of them. Unprintable. Thread-safe.
class StateKey {
 public:
  StateKey() = default;
  /// REQUIRES: 32 bytes (kAesKeyBytes).
  explicit StateKey(SecretBytes bytes);

  /// 64 hexadecimal characters, a newline behind them or not, in a file that its owner alone can
  /// read. Errors: those of ReadSecretFile, file_malformed.
  static Result<StateKey> FromFile(const std::string& path);
  /// `whose` begins the message: what held the text. Errors: file_malformed.
  static Result<StateKey> FromHex(std::string_view text, const std::string& whose);

  bool given() const { return bytes_ != nullptr; }
  /// REQUIRES: given().
  const SecretBytes& bytes() const;

 private:
  std::shared_ptr<const SecretBytes> bytes_;
};

/// What a user gives: the file if one is named, else the environment's, else none. A variable that
/// is set holds a key. Errors: as of StateKey::FromFile and FromHex.
Result<StateKey> FindStateKey(const std::string& key_file);

}  // namespace muster
