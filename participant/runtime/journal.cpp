#include "participant/runtime/journal.h"

#include <cerrno>
#include <cstdio>
#include <utility>

namespace muster::participant {

Result<Journal> Journal::Open(const std::string& path, const UpdateId& id,
                              std::uint64_t bytes_max) {
  Result<LineLog> log = LineLog::Open(path);
  if (!log) return log.error();
  const Result<InputFile> file = InputFile::Open(path);
  if (!file) return file.error();
  return Journal(*std::move(log), path, id, file->size(), bytes_max);
}

Status Journal::Write(std::string_view event, std::uint64_t batch) {
  const std::string line = "{\"fit\":\"" + fit_ + "\",\"event\":\"" + std::string(event) +
                           "\",\"batch\":" + std::to_string(batch) + "}";
  if (bytes_ + line.size() + 1 > bytes_max_) {
    const std::string full = path_ + ".1";
    if (std::rename(path_.c_str(), full.c_str()) != 0) {
      return SystemError(Reason::io_failed, "rename to " + full + " the journal", path_, errno);
    }
    Result<LineLog> next = LineLog::Open(path_);
    if (!next) return next.error();
    log_ = *std::move(next);
    bytes_ = 0;
  }
  MUSTER_TRY(log_.Append(line));
  bytes_ += line.size() + 1;
  return {};
}

}  // namespace muster::participant
