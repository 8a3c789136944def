// Model bytes, pulled by the participants: their window is their credit.
#include <algorithm>

#include "common/limits.h"
#include "coordinator/core/impl.h"

namespace muster::coordinator {

void CoordinatorCore::Impl::OnModelRequest(Session& session, LinkId link,
                                           const ModelRequest& request) {
  if (session.bulk != link) {
    RefuseSession(session, Reason::unexpected_message, std::nullopt,
                  "model_request belongs on the bulk connection");
    return;
  }
  if (request.version != head_.version) return RefuseModel(session, request.version);
  const std::uint64_t all = DownloadBytes(*strategy_, head_.model_bytes);
  // Chunks at fixed places: what is under way is then the same bytes for all, held once.
  constexpr std::uint64_t kChunk = limits::kTransferChunkBytes;
  const std::uint64_t left = request.offset < all ? all - request.offset : 0;
  const auto bytes = static_cast<std::uint32_t>(std::min(kChunk, left));
  if (left == 0 || request.offset % kChunk != 0 || request.bytes < bytes ||
      request.bytes > limits::kTransferChunkBytesMax) {
    RefuseSession(
        session, Reason::wrong_offset, std::nullopt,
        "the model has " + std::to_string(all) + " bytes, in chunks of " + std::to_string(kChunk));
    return;
  }
  Count("model_bytes_sent", bytes);
  Emit(SendModelChunk{link, request.version, request.offset, bytes});
  if (request.offset + bytes == all) session.has_model = request.version;
}

// It names the version asked for, for a newer task may be on its way before it. A task that would
// outlive its version is over before it began.
void CoordinatorCore::Impl::RefuseModel(Session& session, Version version) {
  const UpdateId asked{lineage_.id.number, version, Slot{session.index}, 0};
  RefuseSession(session, Reason::not_held, asked,
                "only the newest version, " + std::to_string(head_.version) + ", is given out");
  if (!TakesStale() || !session.ordered) return;
  const UpdateId& task = *session.ordered;
  const std::optional<Version> base = Async() ? task.round : late_rounds_.BaseOf(task.round);
  if (base == version) AskAnew(session, Reason::not_held);
}

}  // namespace muster::coordinator
