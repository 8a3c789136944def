// The spool's crash semantics on bytes in memory (checkpoint/spool.h).
#pragma once

#include <memory>

#include "checkpoint/spool.h"
#include "simulator/store/model_disk.h"

namespace muster::simulator {

/// As OpenSpool, plain. Not thread-safe.
Result<std::unique_ptr<Spool>> OpenModelSpool(std::shared_ptr<ModelDisk> disk);

}  // namespace muster::simulator
