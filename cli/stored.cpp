#include "cli/stored.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

#include "checkpoint/copy_version.h"
#include "checkpoint/export.h"
#include "checkpoint/store.h"
#include "cli/text.h"
#include "common/bytes.h"
#include "common/text.h"
#include "coordinator/runtime/accept_loss.h"
#include "model/job.h"

namespace muster::cli {
namespace {

using Json = nlohmann::ordered_json;
using StorePointer = std::unique_ptr<CheckpointStore>;

constexpr std::size_t kDigestShown = 16;

Result<StorePointer> OpenStored(const std::string& state_dir, const StateKey& key) {
  auto store = OpenCheckpointStore(state_dir, OpenMode::read_only, key);
  if (!store) return coordinator::ExplainDamage(store.error(), state_dir, key);
  return store;
}

Result<Version> HeadOr(const CheckpointStore& store, std::optional<Version> version,
                       const std::string& state_dir) {
  if (version) return *version;
  if (store.recovered().head) return store.recovered().head->version;
  return Error{Reason::not_found, state_dir + " holds no version yet: no coordinator ever ran"};
}

/// A head that is committed, but whose chunks are not there (yet).
std::optional<Version> UnstoredHead(CheckpointStore& store) {
  const RecoveredState& state = store.recovered();
  if (!state.head || std::ranges::count(store.HeldVersions(), state.head->version) > 0) return {};
  return state.head->version;
}

std::string JobName(const RecoveredState& state) {
  if (!state.job) return "";
  const Result<JobSpec> job = DecodeJob(state.job->job);
  return job ? job->name : "";
}

std::map<Version, EvaluationRecord> Evaluations(const RecoveredState& state) {
  std::map<Version, EvaluationRecord> evaluations;
  for (const EvaluationRecord& record : state.evaluations) evaluations[record.version] = record;
  return evaluations;
}

std::string Shape(const TensorSpec& tensor) {
  return fmt::format("{}[{}]", DTypeName(tensor.dtype), fmt::join(tensor.shape, ", "));
}

Json RecordJson(const RoundRecord& record) {
  Json object = {{"version", record.version},
                 {"round", record.round},
                 {"parent", record.parent},
                 {"lineage", record.lineage},
                 {"digest", Hex(record.digest)},
                 {"accepted", record.accepted.size()},
                 {"weight_sum", record.weight_sum},
                 {"attempts", record.attempts},
                 {"closed_by_deadline", record.closed_by_deadline},
                 {"slots_first_drawn", record.first_drawn}};
  if (IsCopy(record)) object["copy_of"] = record.parent;
  object["updates"] = Json::array();
  for (const RecordedUpdate& update : record.accepted) {
    object["updates"].push_back({{"id", update.id.Text()}, {"digest", Hex(update.digest)}});
  }
  return object;
}

}  // namespace

Result<Exported> ExportStored(const std::string& state_dir, std::optional<Version> version,
                              const std::string& path, const StateKey& key) {
  Result<StorePointer> store = OpenStored(state_dir, key);
  if (!store) return store.error();
  const Result<Version> written = ExportVersion(**store, version, path);
  if (!written) return written.error();
  return Exported{*written, UnstoredHead(**store)};
}

Result<std::string> DescribeStopped(const std::string& state_dir, Format format,
                                    const StateKey& key) {
  Result<StorePointer> store = OpenStored(state_dir, key);
  if (!store) return store.error();
  const RecoveredState& state = (*store)->recovered();
  const auto evaluations = Evaluations(state);
  Json object = {{"ok", true}, {"running", false}, {"job", JobName(state)}};
  object["finished"] = state.finish.has_value();
  object["version"] = nullptr;
  std::string text = fmt::format("job          {}\ncoordinator  not running\n", JobName(state));
  if (state.head) {
    const std::string digest = Hex(state.head->digest);
    object["version"] = state.head->version;
    object["digest"] = digest;
    text += fmt::format("version      {} ({}...)\n", state.head->version,
                        digest.substr(0, kDigestShown));
    const auto found = evaluations.find(state.head->version);
    if (found != evaluations.end()) {
      object["accuracy"] = found->second.accuracy;
      object["loss"] = found->second.loss;
      text += fmt::format("accuracy     {:.4f}, loss {:.4f}\n", found->second.accuracy,
                          found->second.loss);
    }
  }
  if (const auto unstored = UnstoredHead(**store)) {
    object["unstored"] = *unstored;
    text += fmt::format(
        "stored       no: version {} is committed, the next start computes and stores it\n",
        *unstored);
  }
  object["starts"] = state.epoch.starts;
  text += fmt::format("starts       {}\n", state.epoch.starts);
  text += state.finish ? "state        finished\n" : "state        start it again to go on\n";
  return format == Format::json ? object.dump() + "\n" : text;
}

Result<std::string> ListVersions(const std::string& state_dir, Format format, const StateKey& key) {
  Result<StorePointer> store = OpenStored(state_dir, key);
  if (!store) return store.error();
  const auto evaluations = Evaluations((*store)->recovered());
  const std::vector<Version> held_list = (*store)->HeldVersions();
  const std::set<Version> held(held_list.begin(), held_list.end());
  const std::optional<Version> unstored = UnstoredHead(**store);
  Table table({"version", "round", "updates", "attempts", "accuracy", "held", "digest"},
              {0, 1, 2, 3, 4});
  std::string lines;
  const Status visited = (*store)->ForEachRoundRecord([&](const RoundRecord& record) -> Status {
    const auto found = evaluations.find(record.version);
    const bool is_held = held.contains(record.version);
    table.Add({fmt::format("{}", record.version), fmt::format("{}", record.round),
               IsCopy(record) ? fmt::format("copy of {}", record.parent)
                              : fmt::format("{}", record.accepted.size()),
               fmt::format("{}", record.attempts),
               found == evaluations.end() ? "-" : fmt::format("{:.4f}", found->second.accuracy),
               is_held ? "yes" : (record.version == unstored ? "soon" : "no"),
               Hex(record.digest).substr(0, kDigestShown)});
    Json object = RecordJson(record);
    object.erase("updates");
    object["held"] = is_held;
    if (record.version == unstored) object["unstored"] = true;
    if (found != evaluations.end()) object["accuracy"] = found->second.accuracy;
    lines += object.dump() + "\n";
    return {};
  });
  if (!visited) return visited.error();
  return format == Format::json ? lines : table.Text();
}

Result<std::string> ShowVersion(const std::string& state_dir, std::optional<Version> version,
                                Format format, const StateKey& key) {
  Result<StorePointer> store = OpenStored(state_dir, key);
  if (!store) return store.error();
  const Result<Version> wanted = HeadOr(**store, version, state_dir);
  if (!wanted) return wanted.error();
  const Result<RoundRecord> record = (*store)->ReadRoundRecord(*wanted);
  if (!record) return record.error();
  const Result<VersionManifest> manifest = (*store)->ReadManifest(*wanted);
  Json object = RecordJson(*record);
  std::string text = fmt::format(
      "version     {}\nround       {}\nparent      {}\ndigest      {}\nupdates     {} in {}\n"
      "weight sum  {}\n",
      record->version, record->round, record->parent, Hex(record->digest), record->accepted.size(),
      Counted(record->attempts, "attempt"), record->weight_sum);
  if (IsCopy(*record)) {
    text += fmt::format("content     copied from version {}, in lineage {}\n", record->parent,
                        record->lineage);
  }
  if (!manifest) return manifest.error();
  const bool unstored = UnstoredHead(**store) == *wanted;
  const std::vector<Version> held = (*store)->HeldVersions();
  const bool is_held = std::ranges::count(held, *wanted) > 0;
  object["held"] = is_held;
  if (!is_held && !unstored) {
    text +=
        "held        no: its record and its manifest are kept; checkpoint.keep_last and "
        "checkpoint.keep_every say which versions are held\n";
  }
  if (unstored) {
    object["unstored"] = true;
    text +=
        "held        soon: it is committed; a running coordinator stores it in a moment, a stopped "
        "one at its next start\n";
  }
  object["total_bytes"] = manifest->total_bytes;
  object["tensors"] = Json::array();
  text += fmt::format("bytes       {} in {}\n\n", manifest->total_bytes,
                      Counted(manifest->chunk_digests.size(), "chunk"));
  Table table({"tensor", "shape"});
  for (const TensorSpec& tensor : manifest->tensors) {
    table.Add({tensor.name, Shape(tensor)});
    object["tensors"].push_back(
        {{"name", tensor.name}, {"dtype", DTypeName(tensor.dtype)}, {"shape", tensor.shape}});
  }
  return format == Format::json ? object.dump() + "\n" : text + table.Text();
}

Result<std::string> ListRoster(const std::string& state_dir, Format format, const StateKey& key) {
  Result<StorePointer> store = OpenStored(state_dir, key);
  if (!store) return store.error();
  Table table({"index", "name", "key", "state"}, {0});
  std::string lines;
  for (const RosterEntry& entry : (*store)->recovered().roster) {
    table.Add({fmt::format("{}", entry.index), entry.name, entry.key.Z85(),
               entry.revoked ? "revoked" : "enrolled"});
    const Json object = {{"index", entry.index},
                         {"name", entry.name},
                         {"key", entry.key.Z85()},
                         {"revoked", entry.revoked}};
    lines += object.dump() + "\n";
  }
  return format == Format::json ? lines : table.Text();
}

}  // namespace muster::cli
