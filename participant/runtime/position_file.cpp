#include "participant/runtime/position_file.h"

#include "common/file.h"
#include "common/limits.h"
#include "common/sealed.h"

namespace muster::participant {
namespace {

constexpr std::string_view kMagic = "MPOS";
constexpr std::uint16_t kFormat = 2;
/// A model, twice as much for an optimizer's moments, and what a shuffle may keep.
constexpr std::uint64_t kFileBytesMax = 4 * limits::kModelBytesMax;

}  // namespace

Status SavePosition(const std::string& path, const SavedPosition& position) {
  SealedWriter writer(kMagic, kFormat);
  writer.Put(std::uint16_t{0});
  writer.Put(position.id.lineage);
  writer.Put(position.id.round);
  writer.Put(position.id.slot);
  writer.Put(position.id.task);
  writer.Put(position.base_version);
  writer.Put(position.client_version);
  writer.Put(position.batches_done);
  writer.Put(std::uint64_t{position.trainer.size()});
  writer.PutBytes(position.trainer);
  return WriteFileAtomically(path, writer.Seal(), 0600);
}

Result<std::optional<SavedPosition>> LoadPosition(const std::string& path) {
  Result<Bytes> bytes = ReadFile(path, kFileBytesMax);
  if (!bytes && bytes.error().reason == Reason::not_found) return std::optional<SavedPosition>();
  if (!bytes) return bytes.error();
  const auto malformed = [&path](const Error& why) {
    return Error{Reason::file_malformed,
                 "the saved position " + path + " cannot be used: " + why.message};
  };
  Result<SealedReader> reader = SealedReader::Open(*bytes, kMagic, kFormat);
  if (!reader) return malformed(reader.error());
  reader->Take<std::uint16_t>();
  SavedPosition position;
  position.id.lineage = reader->Take<std::uint32_t>();
  position.id.round = reader->Take<Round>();
  position.id.slot = reader->Take<Slot>();
  position.id.task = reader->Take<Task>();
  position.base_version = reader->Take<Version>();
  position.client_version = reader->Take<Version>();
  position.batches_done = reader->Take<std::uint64_t>();
  const ByteSpan trainer = reader->TakeBytes(reader->Take<std::uint64_t>());
  if (const Status finished = reader->Finish(); !finished) return malformed(finished.error());
  position.trainer.assign(trainer.begin(), trainer.end());
  return std::optional<SavedPosition>(std::move(position));
}

}  // namespace muster::participant
