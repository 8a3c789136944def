#include "simulator/check/fenced.h"

#include <string>

#include "simulator/world/content.h"

namespace muster::simulator {
namespace {

const char* StandingText(Standing standing) {
  switch (standing) {
    case Standing::stale:
      return "of another lineage or epoch";
    case Standing::ended:
      return "of a process that ended";
    default:
      return "without a session";
  }
}

}  // namespace

void Fenced::OnStart(const RecoveredState& recovered, CheckpointStore& /*store*/) {
  up_ = true;
  asked_.clear();
  const Fence now{recovered.lineages.back().id.number, recovered.epoch.epoch};
  Expect(now.epoch.number > last_.epoch.number && now.lineage >= last_.lineage, [&] {
    return "a start has " + FenceText(now) + ", the one before had " + FenceText(last_);
  });
  Expect(nonces_.insert(now.epoch.nonce).second,
         [&] { return "two starts share the nonce of " + FenceText(now); });
  last_ = now;
}

void Fenced::OnEnd() {
  up_ = false;
  asked_.clear();
}

// A batch that the disk refused is not applied; what comes again is asked for again.
void Fenced::OnEvent(const coordinator::Event& event) {
  const auto* refused = std::get_if<coordinator::PersistRefused>(&event);
  if (refused == nullptr) return;
  std::erase_if(asked_, [&](const Asked& asked) { return asked.token == refused->token; });
}

void Fenced::OnEffect(const coordinator::Effect& effect) {
  const Standing standing = sessions_.standing();
  if (standing == Standing::stale || standing == Standing::ended ||
      standing == Standing::no_session) {
    Expect(OnlyRefuses(effect), [&] {
      return std::string("a message ") + StandingText(standing) +
             (sessions_.speaker() ? " from " + MemberText(*sessions_.speaker()) : "") +
             " leads to " + EffectText(effect) + " instead of a refusal";
    });
  }
  const auto* persist = std::get_if<coordinator::Persist>(&effect);
  if (persist == nullptr) return;
  asked_.push_back({persist->token, ContentOf(persist->batch)});
  for (const auto* put : All<PutAccepted>(persist->batch)) {
    const UpdateId& id = put->update.id;
    const auto& open = ledger_.open_round();
    Expect(
        id.lineage == ledger_.fence().lineage && open && put->update.counts_in == open->round, [&] {
          return id.Text() + " is accepted in lineage " + std::to_string(ledger_.fence().lineage) +
                 ", " + (open ? "round " + std::to_string(open->round) : "with no round open");
        });
  }
}

void Fenced::OnWritten(const Batch& batch) {
  const bool own = up_ && !asked_.empty() && asked_.front().content == ContentOf(batch);
  Expect(own, [] { return "a batch is applied that the running process did not ask for next"; });
  if (own) asked_.pop_front();
}

}  // namespace muster::simulator
