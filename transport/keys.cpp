#include "transport/keys.h"

#include <fcntl.h>
#include <unistd.h>
#include <zmq.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "common/file.h"
#include "common/secret_file.h"

namespace muster {
namespace {

constexpr std::string_view kSecretTitle = "muster secret key 1: keep this file to yourself";
constexpr std::string_view kPublicTitle = "muster public key 1";
constexpr std::size_t kZ85Characters = 40;
constexpr std::size_t kKeyFileBytesMax = 256;
using Z85Text = std::array<char, kZ85Characters + 1>;

MutableByteSpan BytesOf(Z85Text& text) {
  return {reinterpret_cast<std::byte*>(text.data()), text.size()};
}

Error Malformed(const std::string& path, std::string_view what) {
  return {Reason::file_malformed, "key file " + path + ": " + std::string(what)};
}

/// The lines of a text that ends in a newline; empty if there are not as many as asked for.
template <std::size_t N>
std::array<std::string_view, N> LinesOf(std::string_view text) {
  std::array<std::string_view, N> lines;
  for (std::string_view& line : lines) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    line = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  if (!text.empty()) return {};
  return lines;
}

/// Writes a file that must not exist yet, durably, for its owner's eyes only.
Status WriteSecret(const std::string& path, ByteSpan bytes) {
  FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) {
    const Reason reason = errno == EEXIST ? Reason::already_exists : Reason::io_failed;
    return SystemError(reason, "create secret key file", path, errno);
  }
  const ssize_t written = write(file.get(), bytes.data(), bytes.size());
  if (written != static_cast<ssize_t>(bytes.size()) || fsync(file.get()) != 0) {
    const Error error = SystemError(Reason::io_failed, "write secret key file", path, errno);
    unlink(path.c_str());
    return error;
  }
  const auto slash = path.find_last_of('/');
  return SyncDirectory(slash == std::string::npos ? "." : path.substr(0, slash + 1));
}

}  // namespace

Result<KeyPair> GenerateKeyPair() {
  Z85Text public_text{};
  Z85Text secret_text{};
  if (zmq_curve_keypair(public_text.data(), secret_text.data()) != 0) {
    return Error{Reason::unsupported, "this ZeroMQ library was built without CURVE"};
  }
  std::array<std::byte, 32> secret{};
  zmq_z85_decode(reinterpret_cast<std::uint8_t*>(secret.data()), secret_text.data());
  KeyPair keys{*PublicKey::FromZ85(std::string_view(public_text.data(), kZ85Characters)),
               SecretBytes(secret)};
  WipeBytes(secret);
  WipeBytes(BytesOf(secret_text));
  return keys;
}

Status SaveKeyPair(const std::string& path, const KeyPair& keys) {
  Z85Text secret_text{};
  zmq_z85_encode(secret_text.data(),
                 reinterpret_cast<const std::uint8_t*>(keys.secret_key.Reveal().data()),
                 keys.secret_key.size());
  const std::string public_text = keys.public_key.Z85();
  Bytes text;
  text.reserve(kKeyFileBytesMax);  // A buffer that grew would leave the secret behind.
  for (const std::string_view part :
       {kSecretTitle, std::string_view("\n"), std::string_view(public_text), std::string_view("\n"),
        std::string_view(secret_text.data(), kZ85Characters), std::string_view("\n")}) {
    const ByteSpan bytes = AsBytes(part);
    text.insert(text.end(), bytes.begin(), bytes.end());
  }
  Status status = WriteSecret(path, text);
  WipeBytes(text);
  WipeBytes(BytesOf(secret_text));
  return status;
}

Result<KeyPair> LoadKeyPair(const std::string& path) {
  Result<SecretBytes> text = ReadSecretFile(path, kKeyFileBytesMax);
  if (!text.has_value()) return text.error();
  const auto [title, public_line, secret_line] = LinesOf<3>(AsText(text->Reveal()));
  if (title != kSecretTitle) return Malformed(path, "it is no secret key of format 1");
  const auto public_key = PublicKey::FromZ85(public_line);
  if (!public_key || secret_line.size() != kZ85Characters) return Malformed(path, "no valid keys");
  Z85Text secret_text{};
  secret_line.copy(secret_text.data(), kZ85Characters);
  std::array<std::byte, 32> secret{};
  Z85Text derived{};
  const bool decoded = zmq_z85_decode(reinterpret_cast<std::uint8_t*>(secret.data()),
                                      secret_text.data()) != nullptr &&
                       zmq_curve_public(derived.data(), secret_text.data()) == 0;
  KeyPair keys{*public_key, SecretBytes(secret)};
  WipeBytes(secret);
  WipeBytes(BytesOf(secret_text));
  if (!decoded || public_line != std::string_view(derived.data(), kZ85Characters)) {
    return Malformed(path, "its secret key does not belong to its public key");
  }
  return keys;
}

Status SavePublicKey(const std::string& path, const PublicKey& key) {
  const std::string text = std::string(kPublicTitle) + "\n" + key.Z85() + "\n";
  return WriteFileAtomically(path, AsBytes(text), 0644);
}

Result<PublicKey> LoadPublicKey(const std::string& path) {
  const Result<Bytes> text = ReadFile(path, kKeyFileBytesMax);
  if (!text.has_value()) {
    if (text.error().reason == Reason::too_large) return Malformed(path, "it is too large");
    return text.error();
  }
  const auto [title, line] = LinesOf<2>(AsText(*text));
  if (title != kPublicTitle) return Malformed(path, "it is no public key of format 1");
  const auto key = PublicKey::FromZ85(line);
  if (!key) return Malformed(path, "its second line is no Z85 key");
  return *key;
}

}  // namespace muster
