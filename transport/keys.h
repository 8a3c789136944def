// The Curve25519 key pairs of CURVE (RFC 26/CurveZMQ) and their files. A file is text: a line that
// says what it is, then Z85 (RFC 32) of the public key and, in a secret file, of the secret key.
#pragma once

#include <string>

#include "common/error.h"
#include "common/ids.h"
#include "common/secret.h"

namespace muster {

/// Who a process is. Move only.
struct KeyPair {
  PublicKey public_key;
  SecretBytes secret_key;  ///< 32 bytes.
};

/// A fresh pair from the operating system's generator. Errors: unsupported (a ZeroMQ without
/// CURVE).
Result<KeyPair> GenerateKeyPair();

/// Writes both keys to a new file of mode 0600. Errors: already_exists (a secret is never
/// overwritten), io_failed, disk_full.
Status SaveKeyPair(const std::string& path, const KeyPair& keys);
/// Errors: not_found, file_unreadable, file_malformed (also if the two keys are no pair),
/// config_invalid (the file is readable by group or others: the text says what to do).
Result<KeyPair> LoadKeyPair(const std::string& path);

/// Writes the public key, for who enrols or trusts its owner. Errors: io_failed, disk_full.
Status SavePublicKey(const std::string& path, const PublicKey& key);
/// Errors: not_found, file_unreadable, file_malformed.
Result<PublicKey> LoadPublicKey(const std::string& path);

}  // namespace muster
