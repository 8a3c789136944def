// Evaluation: beside the rounds, outside of f; it decides only whether a target was reached.
#include "common/limits.h"
#include "coordinator/core/impl.h"

namespace muster::coordinator {

void CoordinatorCore::Impl::RequestEvaluation(Version version) {
  if (!options_.evaluate || evaluations_.contains(version)) return;
  evaluating_.insert(version);
  Emit(Evaluate{version});
}

// After a restart: every version that was committed but not reported is reported, once those before
// it are evaluated; one that is not held any more, and whose evaluation was lost with the machine,
// together with the next.
void CoordinatorCore::Impl::ResumeReporting() {
  for (Version version = reported_ + 1; version <= head_.version; ++version) {
    if (!options_.evaluate) {
      Note({.kind = NoticeKind::version_committed, .version = version});
    } else if (evaluations_.contains(version)) {
      unreported_.insert(version);
    } else if (held_.contains(version)) {
      RequestEvaluation(version);
    }
  }
  ReportEvaluated();
  std::erase_if(evaluations_, [this](const auto& one) { return one.first != head_.version; });
  // Reported, and lost with the machine all the same: without it nobody could tell whether the
  // target is reached.
  if (evaluating_.empty() && EvaluationFirst()) RequestEvaluation(head_.version);
}

// Whether the next round waits for the evaluator: its result may end the job, or it is so far
// behind that the versions waiting for it would grow without bound.
bool CoordinatorCore::Impl::EvaluationFirst() const {
  if (!options_.evaluate || head_.version == 0) return false;
  return (options_.target_accuracy && !evaluations_.contains(head_.version)) ||
         evaluating_.size() >= limits::kEvaluationsWaitingMax;
}

bool CoordinatorCore::Impl::TargetReached() const {
  if (!options_.target_accuracy) return false;
  const auto found = evaluations_.find(head_.version);
  return found != evaluations_.end() && found->second.accuracy >= *options_.target_accuracy;
}

void CoordinatorCore::Impl::On(const Evaluated& evaluated) {
  const EvaluationRecord& record = evaluated.record;
  if (!evaluating_.contains(record.version)) return;
  const bool finishes = options_.target_accuracy && record.version == head_.version &&
                        record.accuracy >= *options_.target_accuracy && !finish_;
  Batch batch;
  batch.mutations.push_back(PutEvaluation{record});
  if (finishes) batch.mutations.push_back(PutFinish{{Reason::finished, record.version}});
  batch.sync = finishes;  // Lost with the machine, it is made again; the decision is not.
  PersistFor(ForEvaluation{record, finishes}, std::move(batch));
}

// In their order, whichever batch a full disk held up: the last one in the event stream is taken
// for the newest.
void CoordinatorCore::Impl::ReportEvaluated() {
  while (!unreported_.empty() &&
         (evaluating_.empty() || *unreported_.begin() < *evaluating_.begin())) {
    Note({.kind = NoticeKind::version_evaluated, .version = *unreported_.begin()});
    unreported_.erase(unreported_.begin());
  }
}

void CoordinatorCore::Impl::Release(const ForEvaluation& purpose) {
  const Version version = purpose.record.version;
  evaluating_.erase(version);
  if (version == head_.version) evaluations_[version] = purpose.record;
  if (version > reported_) unreported_.insert(version);
  ReportEvaluated();
  DropOldVersions();
  if (purpose.finishes) {
    finish_ = FinishRecord{Reason::finished, version};
    SayFinished();
  } else if (finishing_) {
    CheckGoodbyes();
  } else if (phase_ == Phase::paused) {
    EnterSelect();
  }
}

}  // namespace muster::coordinator
