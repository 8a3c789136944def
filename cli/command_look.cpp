// The commands that look and go: status, checkpoints, data, config, plot.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "checkpoint/state_key.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/config_keys.h"
#include "cli/local_data.h"
#include "cli/plot.h"
#include "cli/run_event.h"
#include "cli/run_files.h"
#include "cli/status_snapshot.h"
#include "cli/stored.h"
#include "cli/text.h"
#include "common/exit_codes.h"
#include "common/file.h"
#include "coordinator/runtime/admin_client.h"
#include "training/partition.h"

namespace muster::cli {
namespace {

constexpr std::chrono::seconds kAnswerTime{5};
constexpr std::uint64_t kEventLogBytesMax = 4ULL << 30;
constexpr int kOk = static_cast<int>(ExitCode::ok);

int PrintOrFail(const Result<std::string>& text, const Arguments& arguments) {
  if (!text) return Fail(text.error(), arguments.format);
  Print(*text);
  return kOk;
}

/// The directory that `path` names a file in must be there: the disk is not at fault if it is not.
Status CheckOutput(const std::string& path) {
  std::error_code failed;
  const auto refuse = [&](const std::string& what) {
    return Error{Reason::flag_invalid, "--output " + path + ": " + what};
  };
  if (std::filesystem::is_directory(path, failed)) return refuse("is a directory; name a file");
  const std::string parent = std::filesystem::path(path).parent_path();
  const std::string directory = parent.empty() ? "." : parent;
  if (!std::filesystem::is_directory(directory, failed)) {
    return refuse(directory + " is no directory; make it first");
  }
  if (::access(directory.c_str(), W_OK) != 0 && errno == EACCES) {
    return refuse("no file may be made in " + directory);
  }
  return {};
}

/// Who runs this state's federation, if `muster run` does and lives.
std::optional<RunState> LiveRun(const std::string& state_dir) {
  Result<RunState> run = ReadRunState(RunPaths{state_dir}.RunFile());
  if (!run || ::kill(run->supervisor_pid, 0) != 0) return std::nullopt;
  return *run;
}

Result<std::string> DescribeState(const Arguments& arguments) {
  const auto reply = AskCoordinator(arguments.state_dir, R"({"command":"status"})", kAnswerTime);
  if (!reply) {
    if (reply.error().reason != Reason::not_found) return reply.error();
    const Result<StateKey> key = FindStateKey(arguments.key_file);
    if (!key) return key.error();
    return DescribeStopped(arguments.state_dir, arguments.format, *key);
  }
  const Result<StatusSnapshot> status = ParseStatus(*reply);
  if (!status) return status.error();
  const std::optional<RunState> run = LiveRun(arguments.state_dir);
  if (arguments.format == Format::text) return RenderStatus(*status, run);
  return (run ? StatusWithPids(*reply, *run) : *reply) + "\n";
}

Result<std::string> DescribeData(const Arguments& arguments) {
  const Result<Config> config = LoadConfig(arguments.config, arguments.sets);
  if (!config) return config.error();
  MUSTER_TRY(CheckLocalData(*config));
  const auto parts = DescribeSplit(config->job, config->data);
  if (!parts) return parts.error();
  if (arguments.format == Format::text) return RenderSplit(*parts, arguments.rows);
  std::string lines;
  for (const PartCounts& part : *parts) {
    const nlohmann::ordered_json object = {
        {"part", part.part}, {"examples", part.examples}, {"per_label", part.per_label}};
    lines += object.dump() + "\n";
  }
  return lines;
}

Result<std::string> Plot(const Arguments& arguments) {
  const std::string path =
      arguments.metrics.empty() ? RunPaths{arguments.state_dir}.Events() : arguments.metrics;
  const auto lines = ReadLines(path, kEventLogBytesMax);
  if (!lines) return lines.error();
  std::vector<std::pair<double, double>> points;
  std::string rows;
  for (const std::string& line : *lines) {
    const Result<RunEvent> event = ParseEvent(line);
    if (!event || event->kind != EventKind::version || !event->accuracy) continue;
    points.emplace_back(static_cast<double>(event->round), *event->accuracy);
    const nlohmann::ordered_json row = {{"round", event->round}, {"accuracy", *event->accuracy}};
    rows += row.dump() + "\n";
  }
  if (points.empty()) {
    return Error{Reason::not_found, path + " holds no round with an accuracy"};
  }
  if (arguments.format == Format::json) return rows;
  return RenderPlot(points, "accuracy by round", PlotSize());
}

}  // namespace

int RunStatus(const Arguments& arguments) {
  return PrintOrFail(DescribeState(arguments), arguments);
}

int RunCheckpointsLs(const Arguments& arguments) {
  const Result<StateKey> key = FindStateKey(arguments.key_file);
  if (!key) return Fail(key.error(), arguments.format);
  return PrintOrFail(ListVersions(arguments.state_dir, arguments.format, *key), arguments);
}

int RunCheckpointsShow(const Arguments& arguments) {
  const Result<StateKey> key = FindStateKey(arguments.key_file);
  if (!key) return Fail(key.error(), arguments.format);
  return PrintOrFail(ShowVersion(arguments.state_dir, arguments.version, arguments.format, *key),
                     arguments);
}

int RunCheckpointsExport(const Arguments& arguments) {
  const Status output = CheckOutput(arguments.output);
  if (!output) return Fail(output.error(), arguments.format);
  const Result<StateKey> key = FindStateKey(arguments.key_file);
  if (!key) return Fail(key.error(), arguments.format);
  const Result<Exported> exported =
      ExportStored(arguments.state_dir, arguments.version, arguments.output, *key);
  if (!exported) return Fail(exported.error(), arguments.format);
  nlohmann::ordered_json object = {{"version", exported->version}, {"path", arguments.output}};
  std::string text = fmt::format("version {} is in {}\n", exported->version, arguments.output);
  if (exported->unstored && !arguments.version) {
    object["unstored"] = *exported->unstored;
    text += fmt::format("version {} is newer, but not stored yet\n", *exported->unstored);
  }
  Print(arguments.format == Format::json ? object.dump() + "\n" : text);
  return kOk;
}

int RunData(const Arguments& arguments) { return PrintOrFail(DescribeData(arguments), arguments); }

int RunConfig(const Arguments& arguments) {
  Table table({"key", "type", "default", "meaning"});
  std::string lines;
  for (const ConfigKey& key : ConfigKeys()) {
    table.Add({key.name, key.type, DefaultText(key), key.meaning});
    const nlohmann::ordered_json object = {{"key", key.name},
                                           {"type", key.type},
                                           {"default", DefaultText(key)},
                                           {"meaning", key.meaning}};
    lines += object.dump() + "\n";
  }
  Print(arguments.format == Format::json ? lines : table.Text());
  return kOk;
}

int RunPlot(const Arguments& arguments) { return PrintOrFail(Plot(arguments), arguments); }

}  // namespace muster::cli
