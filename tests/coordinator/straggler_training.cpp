#include "tests/coordinator/straggler_training.h"

#include <algorithm>
#include <utility>

#include "aggregation/update_checker.h"
#include "aggregation/version.h"
#include "aggregation/version_builder.h"
#include "model/staleness.h"
#include "training/examples.h"

namespace muster::coordinator {

Result<std::unique_ptr<StragglerTraining>> StragglerTraining::Create(
    const JobSpec& job, const DataOptions& data, MonotonicMs evaluate_every_ms) {
  MUSTER_TRY(CheckExamples(job, data));
  return std::unique_ptr<StragglerTraining>(new StragglerTraining(job, data, evaluate_every_ms));
}

StragglerTraining::StragglerTraining(const JobSpec& job, const DataOptions& data,
                                     MonotonicMs evaluate_every_ms)
    : job_(job),
      data_(data),
      evaluate_every_ms_(evaluate_every_ms),
      strategy_(CreateStrategy(job_)),
      lanes_(std::move(*LanesOf(*strategy_, TrainerOf(0).layout()))),
      sum_(lanes_) {}

Trainer& StragglerTraining::TrainerOf(std::uint32_t part) {
  std::unique_ptr<Trainer>& trainer = trainers_[part];
  if (trainer == nullptr) trainer = std::move(*CreateTrainer(job_, part, data_));
  return *trainer;
}

VersionManifest StragglerTraining::Initial() {
  ParameterSet contents = std::move(*InitialVersion(*strategy_, TrainerOf(0).InitialParameters()));
  const auto tensors = static_cast<std::uint32_t>(lanes_.model().entries().size());
  head_ = std::move(*DescribeVersion(contents, tensors, 0));
  versions_.emplace(0, std::move(contents));
  Evaluate(0);
  return head_;
}

StragglerWork::Update StragglerTraining::Train(const TaskOrder& task) {
  const auto found = versions_.find(task.base_version);
  // The core refuses the offer: nobody looks at the update.
  if (found == versions_.end()) return {};
  const ParameterSet& base = found->second;
  ParameterSet update(lanes_.layout());
  const UpdateId& id = task.id;
  const auto fit = TrainerOf(id.slot).Fit({id.round, id.slot, id.task}, strategy_->Ask(id.round),
                                          base, {}, update, {}, [](const FitPosition&) {});
  MUSTER_CHECK(fit.has_value(), "the examples were there a moment ago");
  Bytes client;
  strategy_->CompleteUpdate({fit->steps, base, {}}, update, client);
  UpdateChecker checker = std::move(*UpdateChecker::Create(lanes_.layout()));
  const Status checked = checker.Add(std::as_const(update).bytes());
  UpdateSummary summary = checker.Summary();
  updates_.insert_or_assign(id, std::move(update));
  return {summary.digest, *strategy_->UpdateWeight(fit->examples), checked.has_value(),
          std::move(summary.tensor_max_abs)};
}

void StragglerTraining::OpenSum(const std::vector<TensorScale>& scales) {
  const Status reset = sum_.Reset(scales, {WeightInSumMax(job_), UpdatesInSumMax(job_.round)});
  MUSTER_CHECK(reset.has_value(), "the core's scales are sound");
}

void StragglerTraining::Fold(const muster::coordinator::Fold& fold) {
  const ParameterSet& update = updates_.at(fold.id);
  const UpdateSource source{[&update](std::uint64_t offset, MutableByteSpan bytes) -> Status {
                              std::ranges::copy(update.bytes().subspan(offset, bytes.size()),
                                                bytes.begin());
                              return {};
                            },
                            fold.weight, fold.factor};
  MUSTER_CHECK(sum_.Fold({&source, 1}, pool_).has_value(), "a checked update can be folded");
}

Event StragglerTraining::Build(const BuildVersion& build) {
  const ParameterSet& parent = versions_.at(build.version - 1);
  ParameterSet next(parent.layout());
  const VersionInputs inputs{*strategy_, parent, sum_, build.version, FullFactor(job_)};
  auto built = ::muster::BuildVersion(inputs, pool_, next);
  if (!built) return BuildFailed{built.error()};
  built_ = built->manifest;
  versions_.insert_or_assign(build.version, std::move(next));
  return VersionBuilt{std::move(built->manifest), built->model_digest};
}

void StragglerTraining::Commit(const RoundRecord& record, MonotonicMs now) {
  head_ = built_;
  for (const RecordedUpdate& update : record.accepted) {
    staleness_ += record.parent - update.base_version;
    updates_.erase(update.id);
  }
  counted_ += record.accepted.size();
  const Version kept = TakesStale(job_.round) ? job_.round.staleness_max : 0;
  const auto is_past = [&](Version base) { return base + kept < head_.version; };
  std::erase_if(versions_, [&](const auto& entry) { return is_past(entry.first); });
  // In async the round of an id is the base; else it is the base's successor.
  std::erase_if(updates_, [&](const auto& entry) { return is_past(entry.first.round); });
  if (now - curve_.back().at >= evaluate_every_ms_) Evaluate(now);
}

void StragglerTraining::Evaluate(MonotonicMs now) {
  const auto evaluation = TrainerOf(0).Evaluate(versions_.at(head_.version), {});
  MUSTER_CHECK(evaluation.has_value(), "the examples were there a moment ago");
  curve_.push_back({now, head_.version, counted_, evaluation->accuracy});
}

}  // namespace muster::coordinator
