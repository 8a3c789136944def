#include "checkpoint/state_key.h"

#include <cstdlib>
#include <utility>

#include "common/aes_gcm.h"
#include "common/bytes.h"
#include "common/secret_file.h"

namespace muster {
namespace {

constexpr std::size_t kHexCharacters = 2 * kAesKeyBytes;

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

StateKey::StateKey(SecretBytes bytes)
    : bytes_(std::make_shared<const SecretBytes>(std::move(bytes))) {
  MUSTER_CHECK(bytes_->size() == kAesKeyBytes, "a key of another size");
}

const SecretBytes& StateKey::bytes() const {
  MUSTER_CHECK(given(), "no key was given");
  return *bytes_;
}

Result<StateKey> StateKey::FromHex(std::string_view text, const std::string& whose) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  Bytes bytes(kAesKeyBytes);
  bool sound = text.size() == kHexCharacters;
  for (std::size_t i = 0; sound && i < bytes.size(); ++i) {
    const int high = DigitOf(text[2 * i]);
    const int low = DigitOf(text[2 * i + 1]);
    sound = high >= 0 && low >= 0;
    if (sound) bytes[i] = static_cast<std::byte>(high << 4 | low);
  }
  SecretBytes secret{ByteSpan(bytes)};
  WipeBytes(bytes);
  if (sound) return StateKey(std::move(secret));
  return Error{Reason::file_malformed,
               whose + " is no key of 64 hexadecimal characters; `openssl rand -hex 32` makes one"};
}

Result<StateKey> StateKey::FromFile(const std::string& path) {
  // One byte more than a key and its newline: that is no key either.
  auto text = ReadSecretFile(path, kHexCharacters + 2);
  if (!text && text.error().reason == Reason::not_found) {
    text.error().message += "; it is to hold the state's key: (umask 077; openssl rand -hex 32 > " +
                            path + ") makes a new one";
  }
  MUSTER_TRY(text);
  return FromHex(AsText(text->Reveal()), "key file " + path);
}

Result<StateKey> FindStateKey(const std::string& key_file) {
  if (!key_file.empty()) return StateKey::FromFile(key_file);
  const char* const text = std::getenv(kStateKeyVariable);
  if (text == nullptr) return StateKey();
  // A secret that was not filled in must not make a state in plain bytes.
  if (*text == '\0') {
    return Error{Reason::file_malformed,
                 std::string("the environment's ") + kStateKeyVariable +
                     " is set, but empty: give it the state's key, or unset it for a state that is "
                     "not encrypted"};
  }
  return StateKey::FromHex(text, std::string("the environment's ") + kStateKeyVariable);
}

}  // namespace muster
