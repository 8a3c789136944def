#include "coordinator/runtime/unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

namespace muster::coordinator {
namespace {

constexpr int kBacklog = 16;

struct Place {
  FileDescriptor dir;
  sockaddr_un address{};
};

/// An address holds 107 characters, a path 4,095: so the directory is named by its descriptor.
Result<Place> FindPlace(const std::string& dir, const std::string& name) {
  Place place{FileDescriptor(open(dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)), {}};
  if (!place.dir.valid()) {
    return SystemError(errno == ENOENT ? Reason::not_found : Reason::io_failed, "open", dir, errno);
  }
  const std::string path = "/proc/self/fd/" + std::to_string(place.dir.get()) + "/" + name;
  MUSTER_CHECK(path.size() < sizeof(place.address.sun_path), "the socket's name is ours and short");
  place.address.sun_family = AF_UNIX;
  std::memcpy(place.address.sun_path, path.c_str(), path.size() + 1);
  return place;
}

const sockaddr* Raw(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

Result<FileDescriptor> ListenUnix(const std::string& dir, const std::string& name) {
  const std::string path = dir + "/" + name;
  auto place = FindPlace(dir, name);
  MUSTER_TRY(place);
  FileDescriptor socket_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_fd.valid()) return SystemError(Reason::io_failed, "make a socket for", path, errno);
  if (unlinkat(place->dir.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
    return SystemError(Reason::io_failed, "remove", path, errno);
  }
  // The mode is set before the name exists: nobody else can slip in between.
  if (fchmod(socket_fd.get(), S_IRWXU) != 0 ||
      bind(socket_fd.get(), Raw(place->address), sizeof(place->address)) != 0 ||
      listen(socket_fd.get(), kBacklog) != 0) {
    return SystemError(Reason::io_failed, "listen on", path, errno);
  }
  return socket_fd;
}

Result<FileDescriptor> ConnectUnix(const std::string& dir, const std::string& name) {
  const std::string path = dir + "/" + name;
  auto place = FindPlace(dir, name);
  MUSTER_TRY(place);
  FileDescriptor socket_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_fd.valid()) return SystemError(Reason::io_failed, "make a socket for", path, errno);
  if (connect(socket_fd.get(), Raw(place->address), sizeof(place->address)) != 0) {
    const bool absent = errno == ENOENT || errno == ECONNREFUSED;
    const Reason reason =
        absent ? Reason::not_found : (errno == EAGAIN ? Reason::busy : Reason::io_failed);
    return SystemError(reason, "connect to", path, errno);
  }
  return socket_fd;
}

}  // namespace muster::coordinator
