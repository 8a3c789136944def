#include "coordinator/runtime/fold_thread.h"

#include <algorithm>
#include <utility>

#include "aggregation/version_builder.h"
#include "common/digest.h"

namespace muster::coordinator {

Result<std::unique_ptr<FoldThread>> FoldThread::Create(Setup setup,
                                                       std::shared_ptr<const ParameterSet> head,
                                                       CheckpointStore& store,
                                                       const SharedSpool& spool, Inbox& inbox) {
  const std::vector<LaneSpec> lanes = setup.strategy.Lanes(setup.model);
  if (lanes.size() != 1) {
    return Error{Reason::unsupported, "strategy " + std::string(setup.strategy.name()) + " sums " +
                                          std::to_string(lanes.size()) +
                                          " lanes; this build sums one"};
  }
  Result<RingSum> sum = RingSum::Create(lanes.front().layout);
  MUSTER_TRY(sum);
  return std::unique_ptr<FoldThread>(new FoldThread(std::move(setup), lanes.front().weight,
                                                    std::move(*sum), std::move(head), store, spool,
                                                    inbox));
}

FoldThread::FoldThread(Setup setup, LaneWeight lane_weight, RingSum sum,
                       std::shared_ptr<const ParameterSet> head, CheckpointStore& store,
                       const SharedSpool& spool, Inbox& inbox)
    : setup_(std::move(setup)),
      lane_weight_(lane_weight),
      store_(store),
      spool_(spool),
      inbox_(inbox),
      pool_(setup_.thread_count),
      sum_(std::move(sum)),
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
  return sum_.Reset(effect.scales, setup_.capacity);
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
  for (const Fold& fold : folds) {
    const std::uint64_t weight = lane_weight_ == LaneWeight::one ? 1 : fold.weight;
    sources.push_back(
        {[this, extent = fold.extent.index](std::uint64_t offset, MutableByteSpan bytes) {
           return spool_.Read(extent, offset, bytes);
         },
         weight});
  }
  MUSTER_TRY(sum_.Fold(sources, pool_));
  for (const Fold& fold : folds) inbox_.Push(Event(Folded{fold.id}));
  return {};
}

Status FoldThread::Perform(const BuildVersion& effect) {
  const std::shared_ptr<const ParameterSet> parent = Head();
  auto writer = store_.BeginVersion(effect.version);
  MUSTER_TRY(writer);
  auto next = std::make_shared<ParameterSet>(parent->layout());
  MutableByteSpan rest = next->bytes();
  const ChunkSink sink = [&](ByteSpan chunk) -> Status {
    MUSTER_CHECK(chunk.size() <= rest.size(), "a version larger than its layout");
    std::ranges::copy(chunk, rest.begin());
    rest = rest.subspan(chunk.size());
    return (*writer)->Append(chunk);
  };
  const VersionInputs inputs{setup_.strategy, *parent, sum_, effect.version};
  auto manifest = ::muster::BuildVersion(inputs, pool_, sink);
  MUSTER_TRY(manifest);
  MUSTER_CHECK(rest.empty(), "a version smaller than its layout");
  MUSTER_TRY((*writer)->Finish());
  const Xxh128Digest model_digest =
      Xxh128Of(std::as_const(*next).bytes().first(manifest->model_bytes));
  {
    std::lock_guard lock(mutex_);
    built_ = std::move(next);
    built_version_ = effect.version;
  }
  inbox_.Push(Event(VersionBuilt{std::move(*manifest), model_digest}));
  return {};
}

}  // namespace muster::coordinator
