#include "transport/zmq_library.h"

#include <dlfcn.h>
#include <zmq.h>

namespace muster {
namespace {

/// libsodium is ZeroMQ's affair: it is in this process if ZeroMQ was built with it, and only then.
std::string SodiumVersion() {
  void* const symbol = ::dlsym(RTLD_DEFAULT, "sodium_version_string");
  if (symbol == nullptr) return "";
  return reinterpret_cast<const char* (*)()>(symbol)();
}

}  // namespace

ZmqLibrary LoadedZmq() {
  int major = 0;
  int minor = 0;
  int patch = 0;
  ::zmq_version(&major, &minor, &patch);
  return {
      .version = std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch),
      .has_curve = ::zmq_has("curve") == 1,
      .sodium = SodiumVersion()};
}

}  // namespace muster
