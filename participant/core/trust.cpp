#include "participant/core/trust.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/digest.h"
#include "common/limits.h"

namespace muster::participant {
namespace {

using Kind = WelcomeVerdict::Kind;

WelcomeVerdict Refusal(Kind kind, Reason reason, std::string text) {
  WelcomeVerdict verdict;
  verdict.kind = kind;
  verdict.reason = reason;
  verdict.text = std::move(text);
  return verdict;
}

WelcomeVerdict Malformed(std::string text) {
  return Refusal(Kind::refuse_and_retry, Reason::malformed_message,
                 "the coordinator's welcome " + std::move(text));
}

std::string Text(const SeenState& state) {
  return "lineage " + std::to_string(state.lineage.number) + ", epoch " +
         std::to_string(state.epoch.number) + ", version " + std::to_string(state.version);
}

bool IsOrdered(const std::vector<LineageRecord>& lineages) {
  if (lineages.empty() || lineages.size() > limits::kLineageHistoryMax) return false;
  std::uint32_t last = 0;
  for (const LineageRecord& lineage : lineages) {
    if (lineage.id.number <= last || lineage.parent_number >= lineage.id.number) return false;
    last = lineage.id.number;
  }
  return true;
}

const LineageRecord* FindLineage(const std::vector<LineageRecord>& lineages, std::uint32_t number) {
  const auto found = std::lower_bound(
      lineages.begin(), lineages.end(), number,
      [](const LineageRecord& record, std::uint32_t wanted) { return record.id.number < wanted; });
  return found != lineages.end() && found->id.number == number ? &*found : nullptr;
}

/// The last version of lineage `ancestor` that the current lineage keeps; nothing if the current
/// one does not descend from it. REQUIRES: IsOrdered, so parents are older and the walk ends.
std::optional<Version> ForkVersion(const std::vector<LineageRecord>& lineages,
                                   const LineageId& ancestor) {
  const LineageRecord* known = FindLineage(lineages, ancestor.number);
  if (known == nullptr || known->id != ancestor) return std::nullopt;
  std::optional<Version> fork;
  const LineageRecord* at = &lineages.back();
  while (at != nullptr && at->id.number > ancestor.number) {
    // A later fork point may lie before an earlier one: the least of the path is what is kept.
    fork = fork ? std::min(*fork, at->fork_version) : at->fork_version;
    at = FindLineage(lineages, at->parent_number);
  }
  return at == known ? fork : std::nullopt;
}

/// Compares what the coordinator says of itself with the newest state seen here.
std::optional<WelcomeVerdict> RefuseByHistory(const Welcome& welcome, const SeenState& now,
                                              const SeenState& seen) {
  const std::string both =
      "the coordinator is at " + Text(now) + "; this participant has seen " + Text(seen);
  const auto older = [&both] {
    return Refusal(Kind::refuse_and_retry, Reason::coordinator_older,
                   both + ": it may be a restored copy; start the newest state");
  };
  if (now.lineage == seen.lineage) {
    if (now.epoch.number < seen.epoch.number) return older();
    if (now.epoch.number == seen.epoch.number && now.epoch.nonce != seen.epoch.nonce) {
      return Refusal(Kind::refuse_and_stop, Reason::split_brain,
                     both + " of another coordinator: two run on copies of one state; stop one");
    }
    if (now.version < seen.version) return older();
    return std::nullopt;
  }
  if (now.lineage.number < seen.lineage.number) return older();
  if (!ForkVersion(welcome.lineages, seen.lineage)) {
    return Refusal(Kind::refuse_and_stop, Reason::unknown_lineage,
                   both +
                       ", which is no ancestor of it: another state; use a fresh state "
                       "directory to follow it");
  }
  return std::nullopt;
}

}  // namespace

WelcomeVerdict JudgeWelcome(const Welcome& welcome, const Fence& fence,
                            const ParticipantOptions& options, const DurableState& known) {
  if (welcome.protocol < kProtocolVersionMin || welcome.protocol > kProtocolVersion) {
    return Refusal(Kind::refuse_and_stop, Reason::protocol_unsupported,
                   "the coordinator chose protocol " + std::to_string(welcome.protocol) +
                       ", this build has " + std::to_string(kProtocolVersionMin) + " to " +
                       std::to_string(kProtocolVersion));
  }
  if (welcome.seal != BulkSeal::aes_256_gcm) return Malformed("chose a seal that was not offered");
  if (!IsOrdered(welcome.lineages)) return Malformed("has no ordered lineage history");
  const SeenState now{welcome.lineages.back().id, welcome.epoch, welcome.head};
  if (fence != Fence{now.lineage.number, now.epoch}) return Malformed("contradicts its header");
  if (welcome.lease_ms <= 0) return Malformed("has no lease");
  if (Sha256Of(welcome.job) != welcome.job_digest) return Malformed("has a job of another digest");
  if (known.job && *known.job != welcome.job_digest) {
    return Refusal(Kind::refuse_and_stop, Reason::wrong_job,
                   "the coordinator's job is " + Hex(welcome.job_digest).substr(0, 12) +
                       ", the state of participant " + options.name + " belongs to " +
                       Hex(*known.job).substr(0, 12) + ": give it a state directory of its own");
  }
  Result<JobSpec> job = DecodeJob(welcome.job);
  if (!job) {
    return Refusal(Kind::refuse_and_stop, job.error().reason,
                   "the coordinator's job cannot be used: " + job.error().message);
  }
  if (job->data.access == DataAccess::parts && welcome.index >= job->data.parts) {
    return Refusal(Kind::refuse_and_stop, Reason::no_part,
                   "roster index " + std::to_string(welcome.index) + " of participant " +
                       options.name + " has none of the " + std::to_string(job->data.parts) +
                       " parts of the data");
  }
  WelcomeVerdict verdict;
  if (known.seen) {
    if (auto refusal = RefuseByHistory(welcome, now, *known.seen)) return *std::move(refusal);
    if (now.lineage != known.seen->lineage) {
      verdict.fork = *ForkVersion(welcome.lineages, known.seen->lineage);
      verdict.drop_retained = known.retained && known.retained->base_version > *verdict.fork;
    }
  }
  verdict.job = *std::move(job);
  verdict.seen = now;
  return verdict;
}

}  // namespace muster::participant
