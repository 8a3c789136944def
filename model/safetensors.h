// Models as safetensors files, which other tools read: an 8-byte little-endian header length, a
// JSON header, the tensors' bytes one after another without gaps
// (https://huggingface.co/docs/safetensors, "Format"). F32, F64 and I64 are supported.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/bytes.h"
#include "common/error.h"
#include "common/file.h"
#include "model/parameter_set.h"

namespace muster {

/// The header's `__metadata__`: facts about the model for people and tools.
using SafetensorsMetadata = std::map<std::string, std::string>;

/// Streams one model into a file that appears as a whole or not at all (see AtomicFileWriter).
/// Not thread-safe. Dropped without Commit, it leaves nothing.
class SafetensorsWriter {
 public:
  /// Errors: config_invalid (a name or metadata that is not UTF-8, a tensor named __metadata__),
  /// too_large (the header), io_failed, disk_full, state_in_use.
  static Result<SafetensorsWriter> Create(const std::string& path, const ParameterLayout& layout,
                                          const SafetensorsMetadata& metadata);

  /// The next bytes of ParameterSet::bytes(), its gaps included, in pieces of any size: what a
  /// stored version's chunks hold. REQUIRES: no more than layout.total_bytes() in all.
  /// Errors: io_failed, disk_full.
  Status Append(ByteSpan bytes);
  /// Durable on return. REQUIRES: all layout.total_bytes() were appended. Errors: io_failed,
  /// disk_full.
  Status Commit();

 private:
  SafetensorsWriter(AtomicFileWriter file, ParameterLayout layout)
      : file_(std::move(file)), layout_(std::move(layout)) {}
  AtomicFileWriter file_;
  ParameterLayout layout_;
  std::size_t tensor_ = 0;  // The first one not yet written whole.
  std::uint64_t appended_bytes_ = 0;
};

/// SafetensorsWriter in one call, with its errors. The file's mode is 0644.
Status WriteSafetensors(const std::string& path, const ParameterSet& parameters,
                        const SafetensorsMetadata& metadata);

struct SafetensorsFile {
  ParameterSet parameters;  ///< Tensors in the order of the file.
  SafetensorsMetadata metadata;
};

/// Reads a file that nobody vouches for; no more is allocated than its size and limits.h allow.
/// Errors, which name the path: not_found, file_unreadable, and those of ParseSafetensors.
Result<SafetensorsFile> ReadSafetensors(const std::string& path);

/// The same for bytes in memory. Errors: file_malformed (breaks the format), too_large (beyond
/// limits.h), unsupported (another dtype, an empty tensor, a name with control characters, tensors
/// listed in another order than their bytes).
Result<SafetensorsFile> ParseSafetensors(ByteSpan bytes);

}  // namespace muster
