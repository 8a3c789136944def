#include "training/fit_progress.h"

#include <string>
#include <string_view>

#include "common/sealed.h"

namespace muster {

namespace {

constexpr std::string_view kMagic = "MUSTRFIT";
constexpr std::uint32_t kFormat = 2;

Error Malformed(const std::string& what) {
  return Error{Reason::file_malformed, "the saved progress of a fit cannot be used: " + what};
}

}  // namespace

Bytes EncodeFitProgress(const FitProgress& progress, const ProgressOwner& owner) {
  SealedWriter writer(kMagic, kFormat);
  writer.Put(owner.part);
  writer.Put(owner.job);
  writer.Put(progress.task.round);
  writer.Put(progress.task.slot);
  writer.Put(progress.task.task);
  writer.Put(progress.base);
  writer.Put(progress.client);
  writer.Put(progress.batches_done);
  writer.Put(std::uint64_t{progress.parameters.size()});
  writer.PutBytes(progress.parameters);
  writer.Put(std::uint64_t{progress.moments.size()});
  writer.PutBytes(progress.moments);
  return writer.Seal();
}

Result<FitProgress> DecodeFitProgress(ByteSpan bytes, const ProgressOwner& owner,
                                      std::uint64_t parameter_bytes, std::uint64_t moment_bytes,
                                      std::uint64_t batches_total) {
  Result<SealedReader> reader = SealedReader::Open(bytes, kMagic, kFormat);
  if (!reader) return Malformed(reader.error().message);
  ProgressOwner found;
  found.part = reader->Take<std::uint32_t>();
  found.job = reader->Take<Sha256Digest>();
  if (found != owner) return Malformed("it belongs to another job or part");
  FitProgress progress;
  progress.task.round = reader->Take<Round>();
  progress.task.slot = reader->Take<Slot>();
  progress.task.task = reader->Take<Task>();
  progress.base = reader->Take<Xxh128Digest>();
  progress.client = reader->Take<Xxh128Digest>();
  progress.batches_done = reader->Take<std::uint64_t>();
  if (reader->Take<std::uint64_t>() != parameter_bytes) {
    return Malformed("it does not have the model's size");
  }
  const ByteSpan parameters = reader->TakeBytes(parameter_bytes);
  if (reader->Take<std::uint64_t>() != moment_bytes) {
    return Malformed("it does not have the optimizer's moments");
  }
  const ByteSpan moments = reader->TakeBytes(moment_bytes);
  if (const Status finished = reader->Finish(); !finished) {
    return Malformed(finished.error().message);
  }
  if (progress.batches_done >= batches_total) return Malformed("it has no batch left to train");
  progress.parameters.assign(parameters.begin(), parameters.end());
  progress.moments.assign(moments.begin(), moments.end());
  return progress;
}

}  // namespace muster
