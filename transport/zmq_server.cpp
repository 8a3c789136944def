#include <atomic>
#include <utility>

#include "transport/internal/zap_handler.h"
#include "transport/internal/zmq_server_socket.h"
#include "transport/zmq_transport.h"

namespace muster {
namespace {

/// Links are never reused within a process, whichever server they belonged to.
std::atomic<LinkId>& NextLink() {
  static std::atomic<LinkId> next{1};
  return next;
}

class BoundServer final : public ZmqServer {
 public:
  explicit BoundServer(zmq::context_t context) : context_(std::move(context)) {}

  Status Start(const Endpoints& endpoints, const KeyPair& keys, KeyGate& gate) {
    auto handler = ZapHandler::Start(context_, gate, tickets_);
    if (!handler.has_value()) return handler.error();
    handler_ = std::move(*handler);
    MUSTER_TRY(BindChannel(Channel::control, endpoints.control, keys, gate, control_));
    return BindChannel(Channel::bulk, endpoints.bulk, keys, gate, bulk_);
  }

  ServerSocket& control() override { return *control_; }
  ServerSocket& bulk() override { return *bulk_; }
  std::uint64_t dropped_messages() const override {
    return control_->dropped_messages() + bulk_->dropped_messages();
  }

 private:
  Status BindChannel(Channel channel, const std::string& endpoint, const KeyPair& keys,
                     KeyGate& gate, std::unique_ptr<ZmqServerSocket>& socket) {
    auto bound =
        ZmqServerSocket::Bind(context_, channel, endpoint, keys, gate, tickets_, NextLink());
    if (!bound.has_value()) return bound.error();
    socket = std::move(*bound);
    return {};
  }

  // Destroyed from the last to the first: nobody may connect once the handler is gone, and the
  // context's end waits for all of them.
  BulkTickets tickets_;
  zmq::context_t context_;
  std::unique_ptr<ZapHandler> handler_;
  std::unique_ptr<ZmqServerSocket> bulk_;
  std::unique_ptr<ZmqServerSocket> control_;
};

}  // namespace

Result<std::unique_ptr<ZmqServer>> ZmqServer::Bind(const Endpoints& endpoints, const KeyPair& keys,
                                                   KeyGate& gate) {
  auto context = MakeZmqContext();
  if (!context.has_value()) return context.error();
  auto server = std::make_unique<BoundServer>(std::move(*context));
  MUSTER_TRY(server->Start(endpoints, keys, gate));
  return Result<std::unique_ptr<ZmqServer>>(std::move(server));
}

}  // namespace muster
