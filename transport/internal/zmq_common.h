// What both ends of the ZeroMQ transport share. Only the sources of transport/ include this.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "common/error.h"
#include "transport/internal/bulk_seal.h"
#include "transport/keys.h"
#include "transport/transport.h"

namespace muster {

/// A context with an I/O thread for each channel and room for many sockets. Raises the process's
/// limit of open files as far as it may. Errors: transport_failed.
Result<zmq::context_t> MakeZmqContext();

/// Limits, heartbeats, linger and the I/O thread of the channel. Throws zmq::error_t.
void SetCommonOptions(zmq::socket_t& socket, Channel channel);

/// "cannot WHAT: what ZeroMQ says" with transport_failed.
Error ZmqError(const std::string& what, const zmq::error_t& error);

/// Sends the frame's parts after those in `route` (empty at the client), without blocking.
SendResult SendFrame(zmq::socket_t& socket, const std::string& route, Frame frame);
/// The same, sealed.
SendResult SendSealed(zmq::socket_t& socket, const std::string& route, const Frame& frame,
                      BulkSealer& sealer);
/// Sends bytes that are wiped once ZeroMQ is done with them.
SendResult SendSecret(zmq::socket_t& socket, const std::string& route, SecretBytes secret);

/// All parts of the next message, at most `parts_max` of them: `overflow` tells that there were
/// more. False if nothing has arrived.
struct Received {
  std::vector<zmq::message_t> parts;
  bool overflow = false;
};
bool ReceiveParts(zmq::socket_t& socket, std::size_t parts_max, Received& received);

/// The frame in the parts from `first` on: one or two. The payload stays where ZeroMQ put it.
Frame TakeFrame(std::vector<zmq::message_t>& parts, std::size_t first);
/// The same of sealed parts. Nothing if they do not open.
std::optional<Frame> OpenFrame(std::vector<zmq::message_t>& parts, std::size_t first,
                               BulkOpener& opener);

std::chrono::milliseconds LeftUntil(std::chrono::steady_clock::time_point deadline);

}  // namespace muster
