// journal.jsonl: what a participant trained, for people and for tests of "no acknowledged update is
// trained again". Nothing of Muster reads it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "common/file.h"
#include "common/ids.h"
#include "common/limits.h"

namespace muster::participant {

/// A line each: {"fit":"l1.r3.s2.t0","event":"start","batch":17}. Events: start, which names the
/// batches that were finished before; batch, when one is finished; stopped; done. A journal that
/// would grow beyond its bound goes on in a new file, and the full one becomes PATH.1 in the place
/// of the one before it: the disk holds two bounds at most. One writer a path; not thread-safe.
class Journal {
 public:
  /// `bytes_max`: at least one line. Errors: io_failed, disk_full, file_unreadable.
  static Result<Journal> Open(const std::string& path, const UpdateId& id,
                              std::uint64_t bytes_max = limits::kJournalBytesMax);

  /// Survives the process on return, not a power cut. Errors: io_failed, disk_full.
  Status Write(std::string_view event, std::uint64_t batch);

 private:
  Journal(LineLog log, std::string path, const UpdateId& id, std::uint64_t bytes,
          std::uint64_t bytes_max)
      : log_(std::move(log)),
        path_(std::move(path)),
        fit_(id.Text()),
        bytes_(bytes),
        bytes_max_(bytes_max) {}

  LineLog log_;
  std::string path_;
  std::string fit_;
  std::uint64_t bytes_;  ///< In the file at `path_`.
  std::uint64_t bytes_max_;
};

}  // namespace muster::participant
