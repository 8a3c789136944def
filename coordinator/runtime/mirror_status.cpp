#include "coordinator/runtime/mirror_status.h"

#include <nlohmann/json.hpp>

namespace muster::coordinator {

std::string MirrorJson(const MirrorStatus& status) {
  nlohmann::ordered_json object = {{"dir", status.dir},
                                   {"version", nullptr},
                                   {"behind", status.behind()},
                                   {"failures", status.failures},
                                   {"damaged", nlohmann::ordered_json::array()},
                                   {"same_volume", status.same_volume},
                                   {"reason", nullptr},
                                   {"message", nullptr}};
  if (status.version) object["version"] = *status.version;
  for (const auto& [version, text] : status.damaged) object["damaged"].push_back(version);
  if (status.error) {
    object["reason"] = ReasonName(status.error->reason);
    object["message"] = status.error->message;
  }
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace muster::coordinator
