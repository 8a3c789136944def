#include "cli/local_data.h"

#include <filesystem>
#include <string>

#include "training/examples.h"

namespace muster::cli {

Status CheckLocalData(const Config& config) {
  if (config.job.data.source != DataSource::idx) return {};
  const std::string& dir = config.data.dir;
  if (dir.empty()) {
    return Error{Reason::config_invalid,
                 "data.source is \"idx\", but data.dir is not set: say where the four files are, "
                 "--set data.dir=DIR"};
  }
  std::error_code ignored;
  if (!std::filesystem::is_directory(dir, ignored)) {
    return Error{Reason::config_invalid, "data.dir is " + dir + ", which is no folder"};
  }
  return CheckExamples(config.job, config.data);
}

}  // namespace muster::cli
