#include "coordinator/runtime/accept_loss.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "aggregation/strategy.h"
#include "checkpoint/mirror_files.h"
#include "checkpoint/spool.h"
#include "common/file.h"
#include "common/random.h"
#include "common/text.h"
#include "coordinator/runtime/notice_log.h"
#include "coordinator/runtime/stored_head.h"
#include "model/job.h"

namespace muster::coordinator {
namespace {

using json = nlohmann::ordered_json;

std::string EventsPath(const std::string& state_dir) { return state_dir + "/metrics.jsonl"; }

/// An event log or a mirror that cannot be read tells no version.
Version ToldVersion(const std::string& state_dir, const std::string& mirror) {
  const Version reported = LastReportedVersion(EventsPath(state_dir)).value_or(0);
  const auto noted = mirror.empty() ? std::nullopt : ReadAnnounced(mirror);
  return std::max(reported, noted ? noted->version : 0);
}

Status StoreHead(CheckpointStore& store, const std::string& state_dir, const StateKey& key) {
  if (!store.recovered().job) {
    return Error{Reason::damage, "the state directory holds versions but no job"};
  }
  const Result<JobSpec> job = DecodeJob(store.recovered().job->job);
  MUSTER_TRY(job);
  const auto spool = OpenSpool(state_dir, key);
  MUSTER_TRY(spool);
  MUSTER_TRY(LoadHead(store, **spool, *job, *CreateStrategy(*job)));
  return {};
}

void TellLoss(const Loss& loss, const std::string& state_dir) {
  const json line = {{"event", "loss_accepted"},
                     {"damage", loss.damage},
                     {"good", loss.good},
                     {"lost_versions", loss.new_lineage ? loss.head - loss.good : 0},
                     {"lost_updates", loss.lost_updates},
                     {"lost_updates_exact", loss.lost_updates_exact},
                     {"lineage", loss.lineage + (loss.new_lineage ? 1 : 0)},
                     {"message", AcceptedText(loss)}};
  auto log = LineLog::Open(EventsPath(state_dir));
  // The lineage's own record says it too: a log that cannot be written is no reason to stop.
  if (log) (void)log->Append(line.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace

Result<Loss> AcceptStoredLoss(const std::string& state_dir, const StateKey& key,
                              const std::string& mirror) {
  LossOrder order;
  order.told = ToldVersion(state_dir, mirror);
  order.lineage_nonce = SystemRandom();
  order.store_head = [&](CheckpointStore& store) { return StoreHead(store, state_dir, key); };
  auto loss = AcceptLoss(state_dir, order, key);
  if (loss && !loss->damage.empty()) TellLoss(*loss, state_dir);
  return loss;
}

Error ExplainDamage(Error error, const std::string& state_dir, const StateKey& key,
                    const std::string& mirror) {
  if (error.reason != Reason::damage) return error;
  const auto loss = AssessLoss(state_dir, ToldVersion(state_dir, mirror), key);
  if (!loss || loss->damage.empty()) return error;
  std::string found;
  for (const std::string& damage : loss->damage) found += damage + "; ";
  // What was met first is one of those, mostly.
  if (found.find(error.message) == std::string::npos) found = error.message + "; " + found;
  error.message = found + LossText(*loss);
  return error;
}

std::string AcceptedText(const Loss& loss) {
  if (loss.damage.empty())
    return "nothing is damaged and nothing was lost: --accept-loss did nothing";
  std::string text = "accepted the loss: ";
  for (const std::string& damage : loss.damage) text += damage + "; ";
  if (!loss.new_lineage) {
    return text + (loss.damaged.empty() ? "" : "the chunks of these versions are removed; ") +
           "the run goes on where it was";
  }
  text += "version " + std::to_string(loss.head + 1) + " has the content of version " +
          std::to_string(loss.good) + " and begins lineage " + std::to_string(loss.lineage + 1) +
          "; " + Counted(loss.head - loss.good, "version") + " and " + LostUpdatesText(loss) +
          " are lost; job.rounds counts the lost versions and the new one too";
  for (const std::string& cost : loss.costs) text += "; " + cost;
  return text;
}

}  // namespace muster::coordinator
