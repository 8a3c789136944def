// A peer on the real transport's control channel that obeys no rule of ours.
#pragma once

#include <string>
#include <zmq.hpp>

#include "transport/keys.h"
#include "transport/transport.h"

namespace muster {

/// A DEALER with these keys, connecting to `target`'s control endpoint. It names itself
/// `routing_id`, if that is not empty.
zmq::socket_t RawDealer(zmq::context_t& context, const ClientTransport::Target& target,
                        const KeyPair& keys, const std::string& routing_id = {});

}  // namespace muster
