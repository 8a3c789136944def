#include <algorithm>

#include "training/builtin_trainer.h"
#include "training/synthetic_trainer.h"
#include "training/trainer.h"

namespace muster {

bool BeginsWith(const ParameterLayout& layout, const ParameterLayout& model) {
  return layout.entries().size() >= model.entries().size() &&
         std::ranges::equal(layout.entries().first(model.entries().size()), model.entries());
}

Result<std::unique_ptr<Trainer>> CreateTrainer(const JobSpec& job, std::uint32_t part,
                                               const DataOptions& options) {
  MUSTER_TRY(ValidateJob(job));
  if (job.model.kind == ModelKind::synthetic) return CreateSyntheticTrainer(job, part);
  return CreateBuiltinTrainer(job, part, options, BestInstructionSet());
}

}  // namespace muster
