#include "cli/run_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>

#include "common/bytes.h"
#include "common/file.h"

namespace muster::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kRunFileBytesMax = 16U << 20;
/// "run.shown" is overwritten in place by one write of this many characters: never torn in between.
constexpr int kShownDigits = 20;

RunProcess ParseProcess(const Json& object) {
  RunProcess process;
  process.pid = object.at("pid").get<pid_t>();
  process.restarts = object.at("restarts").get<std::uint32_t>();
  if (object.contains("names")) process.names = object.at("names").get<std::vector<std::string>>();
  return process;
}

}  // namespace

std::string ParticipantName(const std::string& names, std::uint32_t number) {
  return fmt::format("{}-{:02}", names, number);
}

Status WriteRunState(const std::string& path, const RunState& state) {
  Json object;
  object["supervisor_pid"] = state.supervisor_pid;
  object["coordinator"] = {{"pid", state.coordinator.pid},
                           {"restarts", state.coordinator.restarts}};
  object["processes"] = Json::array();
  for (const RunProcess& process : state.processes) {
    object["processes"].push_back(
        {{"names", process.names}, {"pid", process.pid}, {"restarts", process.restarts}});
  }
  return WriteFileAtomically(path, AsBytes(object.dump() + "\n"), 0644);
}

Result<RunState> ReadRunState(const std::string& path) {
  const Result<Bytes> bytes = ReadFile(path, kRunFileBytesMax);
  if (!bytes) return bytes.error();
  try {
    const Json object = Json::parse(AsText(*bytes));
    RunState state;
    state.supervisor_pid = object.at("supervisor_pid").get<pid_t>();
    state.coordinator = ParseProcess(object.at("coordinator"));
    for (const Json& process : object.at("processes")) {
      state.processes.push_back(ParseProcess(process));
    }
    return state;
  } catch (const Json::exception& error) {
    return Error{Reason::file_malformed, path + ": " + error.what()};
  }
}

Status WriteShown(const std::string& path, std::uint64_t offset) {
  const FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.valid()) return SystemError(Reason::io_failed, "open", path, errno);
  const std::string text = fmt::format("{:0{}}\n", offset, kShownDigits);
  const ssize_t written = ::pwrite(fd.get(), text.data(), text.size(), 0);
  if (written != static_cast<ssize_t>(text.size())) {
    return SystemError(Reason::io_failed, "write", path, written < 0 ? errno : ENOSPC);
  }
  return {};
}

std::uint64_t ReadShown(const std::string& path, const std::string& events) {
  const Result<Bytes> bytes = ReadFile(path, kShownDigits + 1);
  if (!bytes) return 0;
  const std::string_view text = AsText(*bytes);
  std::uint64_t offset = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (parsed.ec != std::errc() || offset == 0) return 0;
  const Result<InputFile> log = InputFile::Open(events);
  Bytes last(1);
  if (!log || !log->ReadAt(offset - 1, last)) return 0;
  return AsText(last) == "\n" ? offset : 0;
}

}  // namespace muster::cli
