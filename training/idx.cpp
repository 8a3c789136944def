#include "training/idx.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>

#include "common/limits.h"

namespace muster {

namespace {

constexpr std::uint32_t kImagesMagic = 0x00000803;  // Bytes, three dimensions.
constexpr std::uint32_t kLabelsMagic = 0x00000801;  // Bytes, one dimension.
constexpr std::size_t kReadBlockBytes = 1U << 20;

// A plain or compressed file, read in order. zlib tells the two apart by their first bytes.
class Reader {
 public:
  static Result<Reader> Open(const std::string& path) {
    errno = 0;
    Reader reader(gzopen(path.c_str(), "rb"), path);
    if (reader.file_ == nullptr) {
      return Error{Reason::file_unreadable,
                   "cannot open " + path + ": " + std::strerror(errno == 0 ? ENOMEM : errno)};
    }
    return reader;
  }

  // Fills `bytes`. Errors: file_unreadable, file_malformed if the file ends before.
  Status Fill(std::span<std::uint8_t> bytes) {
    const auto wanted = static_cast<unsigned>(bytes.size());
    const int got = gzread(file_.get(), bytes.data(), wanted);
    MUSTER_TRY(CheckStream(got));
    if (static_cast<unsigned>(got) != wanted) return Malformed("it ends before its content does");
    return {};
  }

  // Errors: file_malformed if more follows or the compressed checksum is wrong.
  Status ExpectEnd() {
    std::uint8_t more = 0;
    const int got = gzread(file_.get(), &more, 1);
    MUSTER_TRY(CheckStream(got));
    if (got != 0) return Malformed("bytes follow its content");
    return {};
  }

  Result<std::uint32_t> BigEndian32() {
    std::uint8_t bytes[4];
    MUSTER_TRY(Fill(bytes));
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
           std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
  }

  Error Malformed(const std::string& what) const {
    return Error{Reason::file_malformed, path_ + " is no IDX file of the expected kind: " + what};
  }

 private:
  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };

  Reader(gzFile file, std::string path) : file_(file), path_(std::move(path)) {}

  Status CheckStream(int got) const {
    int code = Z_OK;
    const char* const text = gzerror(file_.get(), &code);
    if (code == Z_ERRNO) {
      return Error{Reason::file_unreadable, "cannot read " + path_ + ": " + std::strerror(errno)};
    }
    // Z_BUF_ERROR: the compressed stream ends early.
    if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) return Malformed(text);
    return {};
  }

  std::unique_ptr<gzFile_s, Close> file_;
  std::string path_;
};

struct Kind {
  const char* name;
  std::uint32_t magic;
  std::uint32_t record_bytes;
};
constexpr Kind kImages = {"images-idx3-ubyte", kImagesMagic, kImageBytes};
constexpr Kind kLabels = {"labels-idx1-ubyte", kLabelsMagic, 1};

Result<std::string> FindFile(const std::string& dir, Split split, const Kind& kind) {
  const std::string plain = dir + "/" + (split == Split::train ? "train-" : "t10k-") + kind.name;
  for (const std::string& path : {plain, plain + ".gz"}) {
    std::error_code error;
    const std::filesystem::file_status status = std::filesystem::status(path, error);
    if (status.type() == std::filesystem::file_type::not_found) continue;
    if (error) {
      return Error{Reason::file_unreadable, "cannot look at " + path + ": " + error.message()};
    }
    // Opening a pipe would wait for its writer.
    if (status.type() != std::filesystem::file_type::regular) {
      return Error{Reason::file_unreadable, path + " is not a regular file"};
    }
    return path;
  }
  return Error{Reason::not_found, "there is neither " + plain + " nor the same with .gz"};
}

// Reads the header up to the content: the number of records.
Result<std::uint32_t> ReadHeader(Reader& reader, const Kind& kind) {
  const auto magic = reader.BigEndian32();
  MUSTER_TRY(magic);
  if (*magic != kind.magic) return reader.Malformed("another magic number");
  const auto count = reader.BigEndian32();
  MUSTER_TRY(count);
  if (*count == 0) return reader.Malformed("it announces no examples");
  if (*count > limits::kHeldExamplesMax) {
    return reader.Malformed("it announces " + std::to_string(*count) + " examples, at most " +
                            std::to_string(limits::kHeldExamplesMax) + " are read");
  }
  if (kind.magic == kLabelsMagic) return *count;
  const auto rows = reader.BigEndian32();
  MUSTER_TRY(rows);
  const auto columns = reader.BigEndian32();
  MUSTER_TRY(columns);
  if (*rows != kImageSide || *columns != kImageSide) {
    return reader.Malformed("its images are " + std::to_string(*rows) + " x " +
                            std::to_string(*columns) + ", not 28 x 28");
  }
  return *count;
}

Result<std::vector<std::uint8_t>> ReadContent(const std::string& dir, Split split,
                                              const Kind& kind) {
  const auto path = FindFile(dir, split, kind);
  MUSTER_TRY(path);
  auto reader = Reader::Open(*path);
  MUSTER_TRY(reader);
  const auto count = ReadHeader(*reader, kind);
  MUSTER_TRY(count);
  const std::size_t bytes_wanted = std::size_t{*count} * kind.record_bytes;
  std::vector<std::uint8_t> content;
  while (content.size() < bytes_wanted) {
    const std::size_t begin = content.size();
    content.resize(begin + std::min(kReadBlockBytes, bytes_wanted - begin));
    MUSTER_TRY(reader->Fill(std::span(content).subspan(begin)));
  }
  MUSTER_TRY(reader->ExpectEnd());
  return content;
}

Result<std::uint32_t> CountRecords(const std::string& dir, Split split, const Kind& kind) {
  const auto path = FindFile(dir, split, kind);
  MUSTER_TRY(path);
  auto reader = Reader::Open(*path);
  MUSTER_TRY(reader);
  return ReadHeader(*reader, kind);
}

}  // namespace

Result<std::vector<std::uint8_t>> ReadIdxImages(const std::string& dir, Split split) {
  return ReadContent(dir, split, kImages);
}

Result<std::vector<std::uint8_t>> ReadIdxLabels(const std::string& dir, Split split) {
  auto labels = ReadContent(dir, split, kLabels);
  MUSTER_TRY(labels);
  const auto wrong = std::find_if(labels->begin(), labels->end(),
                                  [](std::uint8_t label) { return label >= kClassCount; });
  if (wrong != labels->end()) {
    return Error{Reason::file_malformed, "label " + std::to_string(wrong - labels->begin()) +
                                             " in " + dir + " is " + std::to_string(*wrong) +
                                             "; classes go from 0 to 9"};
  }
  return labels;
}

Result<std::uint64_t> CountIdxExamples(const std::string& dir, Split split) {
  const auto images = CountRecords(dir, split, kImages);
  MUSTER_TRY(images);
  const auto labels = CountRecords(dir, split, kLabels);
  MUSTER_TRY(labels);
  if (*images != *labels) {
    return Error{Reason::file_malformed, "the files in " + dir + " announce " +
                                             std::to_string(*images) + " images and " +
                                             std::to_string(*labels) + " labels"};
  }
  return std::uint64_t{*images};
}

}  // namespace muster
