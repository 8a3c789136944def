#include "cli/machine_report.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "aggregation/floating_point.h"
#include "checkpoint/rocksdb_version.h"
#include "cli/text.h"
#include "common/bytes.h"
#include "common/file.h"
#include "common/limits.h"
#include "common/open_files.h"
#include "model/custom_strategies.h"
#include "protocol/messages.h"
#include "training/kernels.h"

namespace muster::cli {
namespace {

constexpr std::uint64_t kCpuInfoBytesMax = 16U << 20;

/// As the kernel names it; not every architecture does, then the architecture.
std::string CpuName() {
  if (const auto text = ReadFile("/proc/cpuinfo", kCpuInfoBytesMax)) {
    std::istringstream lines{std::string(AsText(*text))};
    for (std::string line; std::getline(lines, line);) {
      const std::size_t colon = line.find(": ");
      if (line.starts_with("model name") && colon != line.npos) return line.substr(colon + 2);
    }
  }
  utsname names = {};
  return ::uname(&names) == 0 ? names.machine : "unknown";
}

std::uint32_t UsableCores() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return static_cast<std::uint32_t>(CPU_COUNT(&set));
}

std::uint64_t MachineMemory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page <= 0) return 0;
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page);
}

std::uint64_t OpenFileLimit() {
  RaiseOpenFileLimit();
  rlimit limit = {};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

/// How many participants a coordinator has descriptors for.
std::uint64_t ParticipantsFor(std::uint64_t open_files) {
  const std::uint64_t own = CoordinatorFiles(0);
  const std::uint64_t each = CoordinatorFiles(1) - own;
  if (open_files < own) return 0;
  return std::min<std::uint64_t>((open_files - own) / each, limits::kRosterMax);
}

std::string Joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace

Result<MachineReport> InspectMachine(const std::string& directory) {
  MachineReport report;
  report.version = MUSTER_VERSION;
  report.protocol = kProtocolVersion;
  report.compiler = __VERSION__;
  report.own_strategies = CustomStrategyNames();
  report.cpu = CpuName();
  report.cores = UsableCores();
  report.memory_bytes = MachineMemory();
  report.kernels = InstructionSetName(BestInstructionSet());
  for (const InstructionSet set : BuiltInstructionSets()) {
    report.kernels_built.emplace_back(InstructionSetName(set));
  }
  report.floating_point = CheckFloatingPoint();
  report.zmq = LoadedZmq();
  report.rocksdb = LoadedRocksDbVersion();
  report.openssl = ::OpenSSL_version(OPENSSL_VERSION_STRING);
  report.open_files = OpenFileLimit();
  report.participants_max = ParticipantsFor(report.open_files);
  report.directory = directory;
  if (directory.empty()) return report;
  Result<VolumeProbe> volume = ProbeVolume(directory);
  MUSTER_TRY(volume);
  report.volume = *std::move(volume);
  return report;
}

std::vector<std::string> Problems(const MachineReport& report) {
  std::vector<std::string> problems;
  if (!report.floating_point) problems.push_back(report.floating_point.error().message);
  if (!report.zmq.has_curve) {
    problems.emplace_back("ZeroMQ was built without CURVE: no participant can connect");
  }
  if (report.participants_max == 0) {
    problems.push_back(
        fmt::format("{} open files are too few for a coordinator; raise the limit "
                    "(`ulimit -n {}`, as root where the hard limit is lower)",
                    report.open_files, CoordinatorFiles(1)));
  }
  if (report.volume && !report.volume->not_durable.empty()) {
    problems.push_back(report.directory +
                       " does not keep what is synced: " + report.volume->not_durable);
  }
  return problems;
}

std::string MachineText(const MachineReport& report) {
  Table table({"what", "here"});
  table.Add({"program", fmt::format("muster {}, protocol {}, compiler {}", report.version,
                                    report.protocol, report.compiler)});
  if (!report.own_strategies.empty()) {
    table.Add({"strategies of its own", Joined(report.own_strategies)});
  }
  table.Add({"processor", report.cpu});
  table.Add(
      {"cores, memory", fmt::format("{}, {}", report.cores, HumanBytes(report.memory_bytes))});
  table.Add({"training kernels",
             fmt::format("{}; built: {}", report.kernels, Joined(report.kernels_built))});
  table.Add({"rounding", report.floating_point ? "to nearest even, subnormal numbers kept"
                                               : "not as versions need it"});
  table.Add({"ZeroMQ", fmt::format("{}, {}", report.zmq.version,
                                   report.zmq.has_curve ? "with CURVE" : "without CURVE")});
  if (!report.zmq.sodium.empty()) table.Add({"libsodium", report.zmq.sodium});
  table.Add({"RocksDB", report.rocksdb});
  table.Add({"OpenSSL", report.openssl});
  table.Add({"open files", fmt::format("{}: a coordinator of up to {} participants",
                                       report.open_files, report.participants_max)});
  if (report.volume) {
    const VolumeProbe& volume = *report.volume;
    table.Add({"directory", report.directory});
    table.Add({"file system",
               volume.file_system.empty()
                   ? "unknown"
                   : fmt::format("{}, mounted at {}", volume.file_system, volume.mounted_at)});
    table.Add({"room", HumanBytes(volume.free_bytes)});
    table.Add({"write and fdatasync", fmt::format("{:.2f} ms, the longest of 32 {:.2f} ms",
                                                  volume.sync_ms, volume.sync_ms_max)});
  }
  std::string text = table.Text();
  for (const std::string& problem : Problems(report)) text += "problem: " + problem + "\n";
  return text;
}

std::string MachineJson(const MachineReport& report) {
  nlohmann::ordered_json object = {{"version", report.version},
                                   {"protocol", report.protocol},
                                   {"compiler", report.compiler},
                                   {"own_strategies", report.own_strategies},
                                   {"cpu", report.cpu},
                                   {"cores", report.cores},
                                   {"memory_bytes", report.memory_bytes},
                                   {"kernels", report.kernels},
                                   {"kernels_built", report.kernels_built},
                                   {"floating_point", report.floating_point.has_value()},
                                   {"zmq", report.zmq.version},
                                   {"zmq_curve", report.zmq.has_curve},
                                   {"libsodium", report.zmq.sodium},
                                   {"rocksdb", report.rocksdb},
                                   {"openssl", report.openssl},
                                   {"open_files", report.open_files},
                                   {"participants_max", report.participants_max}};
  if (report.volume) {
    object["directory"] = {{"path", report.directory},
                           {"file_system", report.volume->file_system},
                           {"mounted_at", report.volume->mounted_at},
                           {"free_bytes", report.volume->free_bytes},
                           {"sync_ms", report.volume->sync_ms},
                           {"sync_ms_max", report.volume->sync_ms_max}};
  }
  object["problems"] = Problems(report);
  return object.dump() + "\n";
}

}  // namespace muster::cli
