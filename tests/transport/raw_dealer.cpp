#include "tests/transport/raw_dealer.h"

namespace muster {

zmq::socket_t RawDealer(zmq::context_t& context, const ClientTransport::Target& target,
                        const KeyPair& keys, const std::string& routing_id) {
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  dealer.set(zmq::sockopt::linger, 0);
  if (!routing_id.empty()) dealer.set(zmq::sockopt::routing_id, routing_id);
  const auto buffer = [](ByteSpan bytes) { return zmq::const_buffer(bytes.data(), bytes.size()); };
  dealer.set(zmq::sockopt::curve_serverkey, buffer(target.server_key.bytes));
  dealer.set(zmq::sockopt::curve_publickey, buffer(keys.public_key.bytes));
  dealer.set(zmq::sockopt::curve_secretkey, buffer(keys.secret_key.Reveal()));
  dealer.connect(target.control_endpoint);
  return dealer;
}

}  // namespace muster
