#include "coordinator/core/describe.h"

#include <type_traits>

#include "coordinator/core/status.h"

namespace muster::coordinator {
namespace {

template <typename T>
std::string Numbers(const std::vector<T>& numbers) {
  std::string text = "[";
  for (const T& number : numbers) {
    if (text.size() > 1) text += ' ';
    text += std::to_string(number);
  }
  return text + "]";
}

// The first byte tells digests of a transcript apart.
template <typename Digest>
std::string Short(const Digest& digest) {
  return Hex(ByteSpan(digest).first(2));
}

std::string FateText(const Welcome& welcome) {
  switch (welcome.retained_fate) {
    case Welcome::RetainedFate::none:
      return "";
    case Welcome::RetainedFate::accepted:
      return " retained=accepted";
    case Welcome::RetainedFate::committed:
      return " retained=committed";
    case Welcome::RetainedFate::dropped:
      return " retained=dropped:" + std::string(ReasonName(welcome.retained_reason));
  }
  return "";
}

std::string Details(const Welcome& m) {
  return " index=" + std::to_string(m.index) + " head=" + std::to_string(m.head) +
         " epoch=" + std::to_string(m.epoch.number) + FateText(m);
}
std::string Details(const TaskOrder& m) {
  return " " + m.id.Text() + " attempt=" + std::to_string(m.attempt) +
         " base=" + std::to_string(m.base_version) +
         " deadline_ms=" + std::to_string(m.deadline_ms);
}
std::string Details(const Grant& m) {
  return " " + m.id.Text() + " offset=" + std::to_string(m.offset) +
         " credit=" + std::to_string(m.credit_bytes);
}
std::string Details(const UploadCredit& m) {
  return " " + m.id.Text() + " offset=" + std::to_string(m.offset);
}
std::string Details(const Accepted& m) { return " " + m.id.Text() + " digest=" + Short(m.digest); }
std::string Details(const Committed& m) {
  return " " + m.id.Text() + " version=" + std::to_string(m.version);
}
std::string Details(const Refused& m) {
  return " " + std::string(ReasonName(m.reason)) + (m.id ? " " + m.id->Text() : "") +
         (m.retry_after_ms != 0 ? " retry_after_ms=" + std::to_string(m.retry_after_ms) : "");
}
std::string Details(const JobFinished& m) {
  return " " + std::string(ReasonName(m.reason)) + " version=" + std::to_string(m.version);
}
// Messages of participants are a transcript's input, not its output.
template <typename M>
std::string Details(const M&) {
  return "";
}

std::string Text(const PutJob&) { return "job"; }
std::string Text(const PutEpoch& m) { return "epoch " + std::to_string(m.record.epoch.number); }
std::string Text(const PutPastEpoch& m) { return "past_epoch " + std::to_string(m.epoch.number); }
std::string Text(const PutLineage& m) { return "lineage " + std::to_string(m.record.id.number); }
std::string Text(const PutRosterEntry& m) {
  return "roster " + std::to_string(m.entry.index) + "=" + m.entry.name +
         (m.entry.revoked ? " revoked" : "");
}
std::string Text(const PutOpenRound& m) {
  return "open_round r" + std::to_string(m.round.round) +
         " attempt=" + std::to_string(m.round.attempt) + " cohort=" + Numbers(m.round.cohort) +
         (m.round.bound_raise != 0 ? " raise=" + std::to_string(m.round.bound_raise) : "") +
         (m.round.deadline_ms != 0 ? " deadline_ms=" + std::to_string(m.round.deadline_ms) : "") +
         (m.round.deadline_consumed_ms != 0
              ? " consumed_ms=" + std::to_string(m.round.deadline_consumed_ms)
              : "");
}
std::string Text(const PutAccepted& m) {
  return "accepted " + m.update.id.Text() + " digest=" + Short(m.update.digest) +
         " weight=" + std::to_string(m.update.weight) +
         (m.update.client_version > 0 ? " client=" + std::to_string(m.update.client_version) : "") +
         " extent=" + std::to_string(m.update.extent.index);
}
std::string Text(const ClearOpenRound&) { return "clear_open_round"; }
std::string Text(const ClearAccepted& m) {
  return "clear_accepted round=" + std::to_string(m.round);
}
std::string Text(const PutRoundRecord& m) {
  std::string ids;
  for (const RecordedUpdate& update : m.record.accepted) {
    ids += (ids.empty() ? "" : " ") + std::to_string(update.id.slot);
    if (update.factor == 1) continue;
    ids += ".t" + std::to_string(update.id.task) + " of " + std::to_string(update.base_version) +
           " x " + std::to_string(update.factor);
  }
  std::string unfinished;
  for (const Slot slot : m.record.unfinished) {
    unfinished += (unfinished.empty() ? " unfinished=[" : " ") + std::to_string(slot);
  }
  return "record r" + std::to_string(m.record.round) +
         " version=" + std::to_string(m.record.version) + " accepted=[" + ids +
         "] weight_sum=" + std::to_string(m.record.weight_sum) +
         " attempts=" + std::to_string(m.record.attempts) +
         (m.record.closed_by_deadline ? " closed_by_deadline" : "") +
         (unfinished.empty() ? "" : unfinished + "]");
}
std::string Text(const PutVersion& m) { return "version " + std::to_string(m.manifest.version); }
std::string Text(const PutFate& m) {
  return "fate " + m.fate.id.Text() +
         (m.fate.committed ? " version=" + std::to_string(m.fate.version)
                           : " " + std::string(ReasonName(m.fate.reason)));
}
std::string Text(const PutEvaluation& m) {
  return "evaluation " + std::to_string(m.record.version);
}
std::string Text(const PutFinish& m) {
  return "finish version=" + std::to_string(m.record.version);
}
std::string Text(const ClearFinish&) { return "clear_finish"; }

std::string Line(const Send& e) {
  return "send link " + std::to_string(e.link) + " " + DescribeMessage(e.message);
}
std::string Line(const SendModelChunk& e) {
  return "send_model_chunk link " + std::to_string(e.link) +
         " version=" + std::to_string(e.version) + " offset=" + std::to_string(e.offset) +
         " bytes=" + std::to_string(e.bytes);
}
std::string Line(const DropLink& e) { return "drop_link link " + std::to_string(e.link); }
std::string Line(const Persist& e) {
  std::string text = "persist #" + std::to_string(e.token) + (e.batch.sync ? " sync" : " unsynced");
  for (const Mutation& mutation : e.batch.mutations)
    text += " {" + DescribeMutation(mutation) + "}";
  return text;
}
std::string Line(const PrepareSpool& e) {
  return "prepare_spool #" + std::to_string(e.token) +
         " extents=" + std::to_string(e.extent_count) + " bytes=" + std::to_string(e.extent_bytes);
}
std::string Line(const OpenUpload& e) {
  return "open_upload #" + std::to_string(e.upload) + " extent=" + std::to_string(e.extent.index) +
         " bytes=" + std::to_string(e.bytes);
}
std::string Line(const StoreChunk& e) {
  return "store_chunk #" + std::to_string(e.upload) + " offset=" + std::to_string(e.offset) +
         " bytes=" + std::to_string(e.bytes);
}
std::string Line(const DropPayload&) { return "drop_payload"; }
std::string Line(const CloseUpload& e) { return "close_upload #" + std::to_string(e.upload); }
std::string Line(const SyncSpool& e) { return "sync_spool #" + std::to_string(e.token); }
std::string Line(const OpenSum& e) {
  return "open_sum bound_log2=" + std::to_string(e.scales.front().bound_log2);
}
std::string Line(const Fold& e) {
  return "fold " + e.id.Text() + " extent=" + std::to_string(e.extent.index) +
         " weight=" + std::to_string(e.weight) +
         (e.factor == 1 ? "" : " x " + std::to_string(e.factor));
}
std::string Line(const BuildVersion& e) {
  return "build_version " + std::to_string(e.version) +
         " weight_sum=" + std::to_string(e.weight_sum);
}
std::string Line(const AdvanceHead& e) { return "advance_head " + std::to_string(e.version); }
std::string Line(const StoreVersion& e) { return "store_version " + std::to_string(e.version); }
std::string Line(const Evaluate& e) { return "evaluate " + std::to_string(e.version); }
std::string Line(const DropVersion& e) { return "drop_version " + std::to_string(e.version); }
std::string Line(const SetRoster& e) {
  std::string text = "set_roster";
  for (const RosterEntry& entry : e.roster) {
    text += " " + entry.name + (entry.revoked ? "(revoked)" : "");
  }
  return text;
}
std::string Line(const AnswerAdmin& e) {
  return "answer_admin #" + std::to_string(e.ticket) +
         (e.status.has_value() ? " ok index=" + std::to_string(e.index)
                               : " " + e.status.error().Text());
}
std::string Line(const Notice& e) {
  std::string text = "notice " + std::string(NoticeKindName(e.kind));
  if (e.round != 0) text += " r" + std::to_string(e.round);
  if (e.version != 0) text += " v" + std::to_string(e.version);
  if (e.attempt > 1) text += " attempt=" + std::to_string(e.attempt);
  if (!e.who.empty()) text += " " + e.who;
  if (e.reason != Reason::finished) text += " " + std::string(ReasonName(e.reason));
  if (!e.refused.empty()) text += " refused=[" + ReasonCountsText(e.refused) + "]";
  if (!e.text.empty()) text += " (" + e.text + ")";
  return text;
}
std::string Line(const ArmTimer& e) { return "arm_timer " + std::to_string(e.at); }
std::string Line(const Stop& e) {
  return "stop " + std::string(ReasonName(e.reason)) + (e.text.empty() ? "" : " (" + e.text + ")");
}

}  // namespace

std::string DescribeMessage(const Message& message) {
  return std::string(MessageName(message)) +
         std::visit([](const auto& m) { return Details(m); }, message);
}

std::string DescribeMutation(const Mutation& mutation) {
  return std::visit([](const auto& m) { return Text(m); }, mutation);
}

std::string DescribeEffect(const Effect& effect) {
  return std::visit([](const auto& e) { return Line(e); }, effect);
}

std::string_view NoticeKindName(NoticeKind kind) {
  switch (kind) {
    case NoticeKind::phase_entered:
      return "phase_entered";
    case NoticeKind::joined:
      return "joined";
    case NoticeKind::left:
      return "left";
    case NoticeKind::update_accepted:
      return "update_accepted";
    case NoticeKind::refused:
      return "refused";
    case NoticeKind::attempt_opened:
      return "attempt_opened";
    case NoticeKind::quorum_impossible:
      return "quorum_impossible";
    case NoticeKind::version_committed:
      return "version_committed";
    case NoticeKind::version_evaluated:
      return "version_evaluated";
    case NoticeKind::drained:
      return "drained";
    case NoticeKind::finished:
      return "finished";
    case NoticeKind::suspended:
      return "suspended";
  }
  return "unknown";
}

}  // namespace muster::coordinator
