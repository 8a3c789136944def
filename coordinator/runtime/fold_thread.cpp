#include "coordinator/runtime/fold_thread.h"

#include <algorithm>
#include <utility>

#include "aggregation/version_builder.h"
#include "common/digest.h"

namespace muster::coordinator {
namespace {

constexpr std::size_t kCheckPieceBytes = 256U << 10;  ///< Read at a time while hashing.

}  // namespace

Result<std::unique_ptr<FoldThread>> FoldThread::Create(Setup setup,
                                                       std::shared_ptr<const ParameterSet> head,
                                                       CheckpointStore& store,
                                                       const SharedSpool& spool, Inbox& inbox) {
  const Result<LaneSpec> lane = SingleLane(setup.strategy, setup.model);
  MUSTER_TRY(lane);
  Result<RingSum> sum = RingSum::Create(lane->layout);
  MUSTER_TRY(sum);
  return std::unique_ptr<FoldThread>(new FoldThread(std::move(setup), *lane, std::move(*sum),
                                                    std::move(head), store, spool, inbox));
}

FoldThread::FoldThread(Setup setup, const LaneSpec& lane, RingSum sum,
                       std::shared_ptr<const ParameterSet> head, CheckpointStore& store,
                       const SharedSpool& spool, Inbox& inbox)
    : setup_(std::move(setup)),
      lane_weight_(lane.weight),
      update_bytes_(lane.layout.total_bytes()),
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

// The bytes were checked when they came, but they may come from an earlier life of this process,
// and the disk may have lost them: an update that was acknowledged counts as it was, or not at all.
Status FoldThread::CheckSpooled(const Fold& fold) const {
  Xxh128 hash;
  Bytes piece(static_cast<std::size_t>(std::min<std::uint64_t>(update_bytes_, kCheckPieceBytes)));
  for (std::uint64_t offset = 0; offset < update_bytes_;) {
    const std::uint64_t left = update_bytes_ - offset;
    const MutableByteSpan bytes(piece.data(), std::min<std::uint64_t>(left, piece.size()));
    MUSTER_TRY(spool_.Read(fold.extent.index, offset, bytes));
    hash.Update(bytes);
    offset += bytes.size();
  }
  if (hash.Digest() == fold.digest) return {};
  return Error{Reason::damage, "the spool holds other bytes for the accepted update " +
                                   fold.id.Text() +
                                   " than were acknowledged; the round cannot be folded again"};
}

Status FoldThread::Perform(const Fold& first) {
  std::vector<Fold> folds = {first};
  const auto is_fold = [](const Work& work) { return std::holds_alternative<Fold>(work); };
  while (folds.size() < kFoldTogetherMax) {
    const std::optional<Work> more = queue_.PopIf(is_fold);
    if (!more) break;
    folds.push_back(std::get<Fold>(*more));
  }
  std::vector<Status> checks(folds.size());
  pool_.ParallelFor(folds.size(), [&](std::size_t i) { checks[i] = CheckSpooled(folds[i]); });
  for (const Status& check : checks) MUSTER_TRY(check);
  std::vector<UpdateSource> sources;
  for (const Fold& fold : folds) {
    sources.push_back(
        {[this, extent = fold.extent.index](std::uint64_t offset, MutableByteSpan bytes) {
           return spool_.Read(extent, offset, bytes);
         },
         WeightInLane(lane_weight_, fold.weight)});
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
