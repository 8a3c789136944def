#include "coordinator/runtime/fold_thread.h"

#include <utility>

#include "aggregation/version_builder.h"
#include "coordinator/runtime/accepted_bytes.h"

namespace muster::coordinator {

FoldThread::FoldThread(Setup setup, std::shared_ptr<const ParameterSet> head,
                       const SharedSpool& spool, Inbox& inbox)
    : setup_(std::move(setup)),
      update_bytes_(setup_.lanes.layout().total_bytes()),
      spool_(spool),
      inbox_(inbox),
      pool_(setup_.thread_count),
      sum_(setup_.lanes),
      head_(std::move(head)),
      thread_([this] { Run(); }) {}

FoldThread::~FoldThread() { Finish(); }

void FoldThread::Finish() {
  queue_.Abandon();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<const ParameterSet> FoldThread::AdvanceHead(Version version) {
  std::lock_guard lock(mutex_);
  MUSTER_CHECK(built_ != nullptr && built_version_ == version, "a version became head unbuilt");
  head_ = std::move(built_);
  built_.reset();
  return head_;
}

std::shared_ptr<const ParameterSet> FoldThread::Contents(Version version) const {
  std::lock_guard lock(mutex_);
  return built_ != nullptr && built_version_ == version ? built_ : head_;
}

std::shared_ptr<const ParameterSet> FoldThread::Head() const {
  std::lock_guard lock(mutex_);
  return head_;
}

void FoldThread::Run() {
  while (const std::optional<Work> work = queue_.Pop()) {
    if (broken_ && !std::holds_alternative<OpenSum>(*work)) continue;
    const Status done = std::visit([this](const auto& effect) { return Perform(effect); }, *work);
    broken_ = !done.has_value();
    if (broken_) inbox_.Push(Event(BuildFailed{done.error()}));
  }
}

Status FoldThread::Perform(const OpenSum& effect) {
  // While the participants train; between the last accept and the commit everybody would wait.
  if (!next_) next_ = std::make_shared<ParameterSet>(Head()->layout());
  return sum_.Reset(effect.scales, setup_.capacity);
}

UpdateSource FoldThread::SourceOf(const Fold& fold) const {
  return {[this, extent = fold.extent.index](std::uint64_t offset, MutableByteSpan bytes) {
            return spool_.Read(extent, offset, bytes);
          },
          fold.weight, fold.factor, spool_.View(fold.extent.index, update_bytes_)};
}

Status FoldThread::Perform(const Fold& first) {
  std::vector<Fold> folds = {first};
  const auto is_fold = [](const Work& work) { return std::holds_alternative<Fold>(work); };
  while (folds.size() < kFoldTogetherMax) {
    const std::optional<Work> more = queue_.PopIf(is_fold);
    if (!more) break;
    folds.push_back(std::get<Fold>(*more));
  }
  std::vector<UpdateSource> sources;
  for (const Fold& fold : folds) sources.push_back(SourceOf(fold));
  // Side by side: a sum of what turns out to be damaged is thrown away.
  std::vector<Status> results(1 + folds.size());
  pool_.ParallelFor(results.size(), [&](std::size_t turn) {
    if (turn == folds.size()) {
      results[turn] = sum_.Fold(sources, pool_);
    } else if (sources[turn].in_memory.empty()) {
      results[turn] =
          CheckAcceptedBytes(sources[turn], update_bytes_, folds[turn].id, folds[turn].digest);
    }  // Else they were checked when they came, in this life, and have been on no disk.
  });
  for (const Status& result : results) MUSTER_TRY(result);
  for (const Fold& fold : folds) inbox_.Push(Event(Folded{fold.id}));
  return {};
}

Status FoldThread::Perform(const BuildVersion& effect) {
  const std::shared_ptr<const ParameterSet> parent = Head();
  const std::shared_ptr<ParameterSet> next = std::exchange(next_, nullptr);
  const VersionInputs inputs{setup_.strategy, *parent, sum_, effect.version, setup_.full_factor};
  auto built = ::muster::BuildVersion(inputs, pool_, *next);
  MUSTER_TRY(built);
  {
    std::lock_guard lock(mutex_);
    built_ = next;
    built_version_ = effect.version;
  }
  inbox_.Push(Event(VersionBuilt{std::move(built->manifest), built->model_digest}));
  return {};
}

}  // namespace muster::coordinator
