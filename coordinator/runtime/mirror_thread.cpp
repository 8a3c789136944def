#include "coordinator/runtime/mirror_thread.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "checkpoint/mirror_files.h"

namespace muster::coordinator {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRetryLeast{1'000};
constexpr milliseconds kRetryMost{60'000};

/// Another start of the same finds the same: whoever set the mirror up must decide.
bool IsRefusal(const Error& error) {
  switch (error.reason) {
    case Reason::config_invalid:
    case Reason::wrong_job:
    case Reason::unknown_lineage:
    case Reason::mirror_ahead:
    case Reason::unsupported:
    case Reason::restore_unfinished:
    case Reason::wrong_state_key:
    case Reason::state_key_missing:
    case Reason::state_not_encrypted:
      return true;
    default:
      return false;
  }
}

/// By the paths behind all links; false for one that cannot be resolved.
bool IsWithin(const std::string& inner, const std::string& outer) {
  std::error_code failed;
  const auto inside = std::filesystem::canonical(inner, failed);
  if (failed) return false;
  const auto around = std::filesystem::canonical(outer, failed);
  return !failed && std::ranges::mismatch(around, inside).in1 == around.end();
}

/// Whether both lie on one volume.
Result<bool> CheckDirectory(const std::string& mirror_dir, const std::string& state_dir) {
  struct stat mirror = {};
  if (::stat(mirror_dir.c_str(), &mirror) != 0 || !S_ISDIR(mirror.st_mode)) {
    return Error{Reason::not_found,
                 mirror_dir +
                     " is not there: mount its volume, or make the directory; Muster makes "
                     "none, lest it fill the volume below"};
  }
  struct stat state = {};
  const bool same_volume = ::stat(state_dir.c_str(), &state) == 0 && state.st_dev == mirror.st_dev;
  const char* const where = same_volume && state.st_ino == mirror.st_ino
                                ? " is the state directory itself"
                            : IsWithin(mirror_dir, state_dir) ? " lies in the state directory"
                            : IsWithin(state_dir, mirror_dir) ? " holds the state directory"
                                                              : nullptr;
  if (where == nullptr) return same_volume;
  return Error{Reason::config_invalid,
               mirror_dir + where + "; a mirror is a directory of its own, of another volume"};
}

}  // namespace

MirrorThread::MirrorThread(Setup setup, CheckpointStore& store, Inbox& inbox)
    : setup_(std::move(setup)), store_(store), inbox_(inbox), backoff_(kRetryLeast) {
  status_.dir = setup_.mirror_dir;
  status_.committed = setup_.head;
  thread_ = std::thread([this] { Run(); });
}

MirrorThread::~MirrorThread() { Finish(milliseconds(0)); }

void MirrorThread::OnCommitted(Version version) {
  {
    const std::lock_guard lock(mutex_);
    status_.committed = version;
    due_ = true;
  }
  changed_.notify_one();
}

void MirrorThread::OnStored() {
  {
    const std::lock_guard lock(mutex_);
    due_ = true;
  }
  changed_.notify_one();
}

MirrorStatus MirrorThread::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

Version MirrorThread::Committed() const {
  const std::lock_guard lock(mutex_);
  return status_.committed;
}

void MirrorThread::Finish(milliseconds most) {
  {
    const std::lock_guard lock(mutex_);
    end_at_ = Clock::now() + most;
    due_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

std::optional<Error> MirrorThread::refusal() const {
  const std::lock_guard lock(mutex_);
  return refusal_;
}

// A volume may take its time, or hang: no start waits for it.
void MirrorThread::Run() {
  for (bool first = true; Await(); first = false) {
    const Status tried = Copy();
    if (!tried && first && IsRefusal(tried.error())) {
      const Error refusal{tried.error().reason, "checkpoint.mirror = " + setup_.mirror_dir + ": " +
                                                    tried.error().message};
      {
        const std::lock_guard lock(mutex_);
        refusal_ = refusal;
      }
      inbox_.Push(ThreadFailed{refusal});
      return;
    }
    Conclude(tried);
  }
}

bool MirrorThread::Await() {
  std::unique_lock lock(mutex_);
  const auto ready = [this] {
    return end_at_ || (due_ && (!retry_at_ || Clock::now() >= *retry_at_));
  };
  while (!ready()) {
    if (due_ && retry_at_) {
      changed_.wait_until(lock, *retry_at_);
    } else {
      changed_.wait(lock);
    }
  }
  if (end_at_ && (!due_ || Clock::now() >= *end_at_)) return false;
  due_ = false;
  return true;
}

Status MirrorThread::LookAtDirectory() {
  const auto same_volume = CheckDirectory(setup_.mirror_dir, setup_.state_dir);
  MUSTER_TRY(same_volume);
  const std::lock_guard lock(mutex_);
  warning_is_news_ = warning_is_news_ || (*same_volume && !status_.same_volume);
  status_.same_volume = *same_volume;
  return {};
}

Status MirrorThread::Open() {
  MUSTER_TRY(LookAtDirectory());
  auto mirror = OpenCheckpointStore(setup_.mirror_dir, OpenMode::create_or_open, setup_.key);
  MUSTER_TRY(mirror);
  MUSTER_TRY(CheckMirror(store_, **mirror));
  mirror_ = std::move(*mirror);
  const std::lock_guard lock(mutex_);
  const auto& head = mirror_->recovered().head;
  if (head) status_.version = head->version;
  return {};
}

Status MirrorThread::Copy() {
  if (mirror_ == nullptr) MUSTER_TRY(Open());
  MUSTER_TRY(LookAtDirectory());
  MUSTER_TRY(Between());
  auto synced = SyncMirror(
      store_, *mirror_, setup_.policy, [this] { return Between(); }, damaged_);
  MUSTER_TRY(synced);
  warning_is_news_ = warning_is_news_ || synced->damaged != damaged_;
  damaged_ = std::move(synced->damaged);
  {
    const std::lock_guard lock(mutex_);
    status_.version = synced->head;
    status_.damaged = damaged_;
    due_ = due_ || !synced->complete;
  }
  return CopyIdentityFiles(setup_.state_dir, setup_.mirror_dir);
}

// The note is ahead of the copy: it tells a restore what the copy lacks.
Status MirrorThread::Between() {
  const Version committed = Committed();
  if (committed != noted_) {
    MUSTER_TRY(NoteAnnounced(setup_.mirror_dir, {committed, setup_.lineage}));
    noted_ = committed;
  }
  const std::lock_guard lock(mutex_);
  if (!end_at_ || Clock::now() < *end_at_) return {};
  return Error{Reason::cancelled, "the process ends; the next one goes on with the copy"};
}

void MirrorThread::Conclude(const Status& tried) {
  MirrorStatus told;
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    if (tried) {
      news = status_.error.has_value() || warning_is_news_;
      status_.error.reset();
      retry_at_.reset();
      backoff_ = kRetryLeast;
    } else {
      news = !status_.error || status_.error->reason != tried.error().reason;
      status_.error = tried.error();
      ++status_.failures;
      due_ = !end_at_;
      retry_at_ = Clock::now() + backoff_;
      backoff_ = std::min(2 * backoff_, kRetryMost);
    }
    told = status_;
  }
  if (!tried) {
    // What a failed sync left of it is unknown; it is opened as after a crash.
    mirror_.reset();
    noted_.reset();
  }
  warning_is_news_ = warning_is_news_ && !news;
  if (news) inbox_.Push(MirrorChanged{std::move(told)});
}

}  // namespace muster::coordinator
