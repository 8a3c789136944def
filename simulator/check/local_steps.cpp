#include "simulator/check/local_steps.h"

#include <cmath>
#include <cstring>
#include <string>

#include "common/limits.h"
#include "training/synthetic_trainer.h"

namespace muster::simulator {
namespace {

/// The synthetic trainer's shift and its taking out are each rounded to a float.
constexpr double kRoundingOff = 1e-5;

std::vector<float> FloatsAt(ByteSpan bytes, std::uint64_t offset, std::uint64_t count) {
  std::vector<float> values(count);
  std::memcpy(values.data(), bytes.data() + offset, count * sizeof(float));
  return values;
}

std::string At(std::uint64_t i) { return " at value " + std::to_string(i); }

}  // namespace

bool LocalStepsMade::Judges(const JobSpec& job) {
  const StrategyKind kind = job.strategy.kind;
  return kind == StrategyKind::fedprox || kind == StrategyKind::fednova ||
         kind == StrategyKind::scaffold;
}

void LocalStepsMade::OnFit(RosterIndex who, const UpdateId& /*id*/, Version /*base_version*/,
                           ByteSpan base) {
  if (job_.strategy.kind != StrategyKind::scaffold) return;
  controls_[who] = FloatsAt(base, base.size() / 2, job_.model.parameters);
}

std::string LocalStepsMade::JudgeScaffold(const std::vector<float>& server,
                                          const Trained& trained) const {
  const std::uint64_t lane = trained.update.size() / 2;
  const std::uint64_t count = job_.model.parameters;
  if (trained.client_next.size() != lane) return "makes no control variate of the model's size";
  const bool fresh = trained.client.empty();
  if (!fresh && trained.client.size() != lane) return "begins from no control variate";
  const std::vector<float> delta = FloatsAt(trained.update, 0, count);
  const std::vector<float> change = FloatsAt(trained.update, lane, count);
  const std::vector<float> own =
      fresh ? std::vector<float>(count) : FloatsAt(trained.client, 0, count);
  const std::vector<float> next = FloatsAt(trained.client_next, 0, count);
  const double length = static_cast<double>(trained.steps) * job_.train.learning_rate;
  for (std::uint64_t i = 0; i < count; ++i) {
    // Option II: c_i+ = c_i - c + (x - y) / (K e), and the update has y - x.
    const double ahead = static_cast<double>(own[i]) - static_cast<double>(server[i]);
    const double drawn = static_cast<double>(delta[i]) - length * ahead;
    const double slack = kRoundingOff * (1 + length * std::fabs(ahead));
    if (!(std::fabs(drawn) <= kSyntheticDeltaMax + slack)) {
      return "is not trained with its control variates" + At(i);
    }
    const double mean_step = static_cast<double>(delta[i]) / length;
    const float expected = static_cast<float>(ahead - mean_step);
    if (next[i] != expected) return "makes another control variate" + At(i);
    const double moved = static_cast<double>(expected) - static_cast<double>(own[i]);
    if (change[i] != static_cast<float>(moved)) {
      return "moves the server's control variate by another change" + At(i);
    }
  }
  return "";
}

std::string LocalStepsMade::WhatIsWrong(RosterIndex who, const Trained& trained) {
  if (job_.strategy.kind == StrategyKind::scaffold) return JudgeScaffold(controls_[who], trained);
  const bool nova = job_.strategy.kind == StrategyKind::fednova;
  const auto steps = static_cast<double>(trained.steps);
  const double divisor = nova ? steps : 1 + job_.strategy.proximal_mu;
  const auto most = static_cast<float>(static_cast<double>(kSyntheticDeltaMax) / divisor);
  const std::vector<float> delta = FloatsAt(trained.update, 0, job_.model.parameters);
  for (std::uint64_t i = 0; i < delta.size(); ++i) {
    if (std::fabs(delta[i]) <= most) continue;
    return (nova ? "is not divided by its steps" : "is not held to the round's model") + At(i);
  }
  if (!nova) return "";
  const std::uint64_t last =
      (trained.update.size() - 1) / limits::kTensorAlignmentBytes * limits::kTensorAlignmentBytes;
  const float counted = FloatsAt(trained.update, last, 1)[0];
  return static_cast<double>(counted) == steps
             ? ""
             : "took " + std::to_string(trained.steps) + " steps and says another number";
}

void LocalStepsMade::OnTrained(RosterIndex who, const Trained& trained) {
  const std::string wrong = WhatIsWrong(who, trained);
  Expect(wrong.empty(), [&] { return MemberText(who) + ": " + trained.id.Text() + " " + wrong; });
}

}  // namespace muster::simulator
