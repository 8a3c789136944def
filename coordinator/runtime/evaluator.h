// The thread that evaluates versions on the held-out data, beside the rounds.
#pragma once

#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "checkpoint/store.h"
#include "coordinator/core/effects.h"
#include "coordinator/runtime/inbox.h"
#include "coordinator/runtime/work_queue.h"
#include "training/trainer.h"

namespace muster::coordinator {

/// Evaluates the versions asked for, one after another, and answers each with Evaluated. What it
/// cannot load or evaluate ends the process (ThreadFailed). Its queue holds numbers, not models:
/// besides the one it works on it holds the head, which others hold too, and loads any other from
/// the store.
class Evaluator {
 public:
  /// References must outlive the thread; the trainer is the evaluator's alone meanwhile.
  Evaluator(Trainer& trainer, CheckpointStore& store, Inbox& inbox);
  /// As Finish.
  ~Evaluator();

  /// The head is now `version`.
  void SetHead(Version version, std::shared_ptr<const ParameterSet> head);
  void Do(const Evaluate& effect) { queue_.Push(effect.version); }

  /// Stops the evaluation under way, forgets what is queued, joins the thread.
  void Finish();

 private:
  void Run();
  Result<EvaluationRecord> EvaluateVersion(Version version);
  /// The version: the model, with or without the server state behind it.
  Result<std::shared_ptr<const ParameterSet>> Load(Version version);

  Trainer& trainer_;
  CheckpointStore& store_;
  Inbox& inbox_;
  WorkQueue<Version> queue_;
  std::stop_source stop_;
  std::mutex mutex_;
  Version head_version_ = 0;
  std::shared_ptr<const ParameterSet> head_;
  std::thread thread_;
};

}  // namespace muster::coordinator
