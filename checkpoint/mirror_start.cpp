#include "checkpoint/mirror_start.h"

#include <rocksdb/file_system.h>

#include <filesystem>
#include <system_error>

#include "checkpoint/internal/files.h"
#include "checkpoint/internal/paths.h"
#include "checkpoint/internal/witness.h"

namespace muster {
namespace {

bool IsThere(const std::string& path) {
  const auto exists = checkpoint::FileExists(*rocksdb::FileSystem::Default(), path);
  return !exists || *exists;
}

bool IsSame(const std::string& one, const std::string& other) {
  std::error_code failed;
  return std::filesystem::equivalent(one, other, failed) && !failed;
}

/// By the witness: a mirror's first batch holds a version. One that is gone or damaged says so of a
/// directory that was finished.
bool HoldsVersions(const std::string& mirror_dir) {
  const auto told = checkpoint::Witness::Read(*rocksdb::FileSystem::Default(),
                                              checkpoint::WitnessPath(mirror_dir));
  if (!told) return told.error().reason == Reason::damage;
  if (*told) return **told > 0;
  const auto format =
      checkpoint::FileExists(*rocksdb::FileSystem::Default(), checkpoint::FormatPath(mirror_dir));
  return format && *format;
}

}  // namespace

bool HoldsAnyState(const std::string& state_dir) {
  return IsThere(checkpoint::FormatPath(state_dir)) ||
         IsThere(checkpoint::WitnessPath(state_dir)) ||
         IsThere(checkpoint::DatabasePath(state_dir)) ||
         IsThere(checkpoint::RestoringPath(state_dir));
}

Status CheckMirrorIsNew(const std::string& mirror_dir, const std::string& state_dir) {
  if (IsSame(mirror_dir, state_dir) || !HoldsVersions(mirror_dir)) return {};
  return Error{Reason::mirror_ahead,
               "checkpoint.mirror = " + mirror_dir + " holds versions, and " + state_dir +
                   " holds none: if the state was lost, `muster checkpoints restore --from " +
                   mirror_dir + " --state-dir " + state_dir +
                   "` goes on from the mirror (move away first what `enroll add` made there); for "
                   "a new job name an empty directory as its mirror"};
}

}  // namespace muster
