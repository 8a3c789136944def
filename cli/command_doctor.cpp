// What this program and this machine can do: doctor, version.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/compatibility_table.h"
#include "cli/machine_report.h"
#include "common/exit_codes.h"
#include "protocol/messages.h"

namespace muster::cli {
namespace {

constexpr int kOk = static_cast<int>(ExitCode::ok);

}  // namespace

int RunDoctor(const Arguments& arguments) {
  const bool json = arguments.format == Format::json;
  if (arguments.matrix) {
    Print(json ? CompatibilityJson() : CompatibilityText());
    return kOk;
  }
  const Result<MachineReport> report = InspectMachine(arguments.dir);
  if (!report) return Fail(report.error(), arguments.format);
  Print(json ? MachineJson(*report) : MachineText(*report));
  return Problems(*report).empty() ? kOk : static_cast<int>(ExitCode::failure);
}

std::string VersionText() {
  return fmt::format("muster {}, protocol {}, compiler {}", MUSTER_VERSION, kProtocolVersion,
                     __VERSION__);
}

int RunVersion(const Arguments& arguments) {
  const nlohmann::ordered_json object = {
      {"version", MUSTER_VERSION}, {"protocol", kProtocolVersion}, {"compiler", __VERSION__}};
  Print(arguments.format == Format::json ? object.dump() : VersionText());
  Print("\n");
  return kOk;
}

}  // namespace muster::cli
