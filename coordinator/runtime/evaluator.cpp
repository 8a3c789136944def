#include "coordinator/runtime/evaluator.h"

#include <algorithm>
#include <utility>

#include "checkpoint/load.h"

namespace muster::coordinator {

Evaluator::Evaluator(Trainer& trainer, CheckpointStore& store, Inbox& inbox)
    : trainer_(trainer), store_(store), inbox_(inbox), thread_([this] { Run(); }) {}

Evaluator::~Evaluator() { Finish(); }

void Evaluator::Finish() {
  stop_.request_stop();
  queue_.Abandon();
  if (thread_.joinable()) thread_.join();
}

void Evaluator::SetHead(Version version, std::shared_ptr<const ParameterSet> head) {
  std::lock_guard lock(mutex_);
  head_version_ = version;
  head_ = std::move(head);
}

void Evaluator::Run() {
  while (const std::optional<Version> version = queue_.Pop()) {
    Result<EvaluationRecord> record = EvaluateVersion(*version);
    if (record) {
      inbox_.Push(Event(Evaluated{*record}));
    } else if (!stop_.stop_requested()) {
      record.error().message =
          "evaluating version " + std::to_string(*version) + ": " + record.error().message;
      inbox_.Push(ThreadFailed{record.error()});
    }
  }
}

Result<EvaluationRecord> Evaluator::EvaluateVersion(Version version) {
  auto contents = Load(version);
  MUSTER_TRY(contents);
  const ParameterSet* model = contents->get();
  ParameterSet without_state;
  if (model->layout() != trainer_.layout()) {
    without_state = ParameterSet(trainer_.layout());
    MUSTER_CHECK(without_state.bytes().size() <= model->bytes().size(),
                 "a version is smaller than its model");
    std::ranges::copy(model->bytes().first(without_state.bytes().size()),
                      without_state.bytes().begin());
    model = &without_state;
  }
  Result<Evaluation> evaluation = trainer_.Evaluate(*model, stop_.get_token());
  MUSTER_TRY(evaluation);
  return EvaluationRecord{version, evaluation->examples, evaluation->loss, evaluation->accuracy};
}

Result<std::shared_ptr<const ParameterSet>> Evaluator::Load(Version version) {
  {
    std::lock_guard lock(mutex_);
    if (version == head_version_) return head_;
  }
  auto manifest = store_.ReadManifest(version);
  MUSTER_TRY(manifest);
  auto contents = LoadModel(store_, *manifest);
  MUSTER_TRY(contents);
  return std::make_shared<const ParameterSet>(std::move(*contents));
}

}  // namespace muster::coordinator
