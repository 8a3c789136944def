#include "cli/event_tail.h"

#include <algorithm>

#include "common/bytes.h"
#include "common/file.h"

namespace muster::cli {
namespace {

constexpr std::uint64_t kReadBytes = 4U << 20;

}  // namespace

Result<std::vector<std::string>> EventTail::Poll() {
  std::vector<std::string> lines;
  const Result<InputFile> file = InputFile::Open(path_);
  if (!file) {
    if (file.error().reason == Reason::not_found) return lines;
    return file.error();
  }
  if (file->size() <= offset_) return lines;
  Bytes bytes(std::min(file->size() - offset_, kReadBytes));
  // A torn tail that is cut off just now makes the read fall short: the next call sees the rest.
  if (!file->ReadAt(offset_, bytes)) return lines;
  const std::string_view text = AsText(bytes);
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n', begin)) {
    lines.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (begin == 0 && bytes.size() == kReadBytes) {
    return Error{Reason::damage, path_ + " holds a line of more than 4 MiB"};
  }
  offset_ += begin;
  return lines;
}

}  // namespace muster::cli
