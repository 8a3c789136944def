#include "simulator/check/reference.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "common/digest.h"
#include "common/error.h"
#include "simulator/check/reference_step.h"

namespace muster::simulator {
namespace {

constexpr std::size_t kChunkBytes = 1U << 20;  ///< Of version digests.
constexpr int kMantissaBits = 23;
constexpr int kExponentOfLastBit = -149;  ///< Of the smallest float.
constexpr int kBoundMost = 128;
constexpr int kStepsBound = 20;                 ///< Of FedNova's lane of one value
constexpr std::uint64_t kTensorAlignment = 64;  ///< and its bytes.

float FloatAt(ByteSpan bytes, std::uint64_t offset) {
  float value = 0;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

}  // namespace

ParameterLayout ReferenceLayout(const JobSpec& job, const ParameterLayout& model) {
  std::vector<TensorSpec> specs = model.Specs();
  for (const std::string_view kind : NaiveStateKinds(job.strategy)) {
    for (TensorSpec spec : model.Specs()) {
      spec.name = "server/" + std::string(kind) + "/" + spec.name;
      specs.push_back(spec);
    }
  }
  return std::move(*ParameterLayout::Create(std::move(specs)));
}

std::int64_t NaiveRingValue(float value, std::uint64_t weight, int scale_log2) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t exponent = (bits >> kMantissaBits) & 0xffU;
  const std::uint32_t fraction = bits & ((1U << kMantissaBits) - 1);
  // value = mantissa * 2^power, both whole.
  const std::uint64_t mantissa = exponent == 0 ? fraction : fraction | (1U << kMantissaBits);
  const int power = kExponentOfLastBit + static_cast<int>(exponent == 0 ? 0 : exponent - 1);
  const std::uint64_t product = mantissa * weight;  // 24 + 29 bits.
  const int shift = power + scale_log2;
  std::uint64_t magnitude = 0;
  if (product == 0) return 0;
  if (shift >= 0) {
    magnitude = product << static_cast<unsigned>(shift);
  } else if (shift > -63) {
    // To nearest: half a unit is added, and less by the least where a half must go down to even.
    const auto down = static_cast<unsigned>(-shift);
    const std::uint64_t odd = (product >> down) & 1U;
    magnitude = (product + (1ULL << (down - 1)) - 1 + odd) >> down;
  }
  const auto whole = static_cast<std::int64_t>(magnitude);
  return bits >> 31U != 0 ? -whole : whole;
}

int NaiveCeilLog2(double magnitude) {
  int exponent = 0;
  while (std::ldexp(1.0, exponent) < magnitude) ++exponent;
  return exponent;
}

ReferenceVersion::ReferenceVersion(const JobSpec& job, const ParameterSet& model)
    : job_(job),
      tensors_(model.layout().entries().size()),
      model_bytes_(model.bytes().size()),
      scaffold_(job.strategy.kind == StrategyKind::scaffold),
      contents_(ReferenceLayout(job, model.layout())) {
  std::ranges::copy(model.bytes(), contents_.bytes().begin());
}

std::string ReferenceVersion::CheckScale(std::size_t tensor, int least_bound,
                                         const RoundRecord& record) const {
  const double capacity =
      scaffold_ ? 1 : static_cast<double>(job_.aggregation.weight_max) * NaiveFactor(job_.round, 0);
  const auto most = static_cast<double>(NaiveUpdatesMost(job_.round));
  const int bound = std::min(kBoundMost, least_bound + static_cast<int>(record.bound_raise));
  const int scale =
      std::min(51 - bound - NaiveCeilLog2(capacity), 63 - bound - NaiveCeilLog2(capacity * most));
  const TensorScale& recorded = record.scales[tensor];
  if (recorded.bound_log2 == bound && recorded.scale_log2 == scale) return "";
  return "tensor " + std::to_string(tensor) + " has bound 2^" +
         std::to_string(recorded.bound_log2) + " and scale 2^" +
         std::to_string(recorded.scale_log2) + "; 2^" + std::to_string(bound) + " and 2^" +
         std::to_string(scale) + " follow from its parent";
}

// `offset`: in an update, of the tensor's first value.
std::string ReferenceVersion::MeansOf(std::size_t tensor, std::uint64_t offset,
                                      const Weighing& weighing, const RoundRecord& record,
                                      const std::vector<ByteSpan>& updates,
                                      std::vector<double>& means) const {
  const TensorScale& scale = record.scales[tensor];
  const double bound = std::ldexp(1.0, scale.bound_log2);
  const double unit = std::ldexp(1.0, -scale.scale_log2);
  std::vector<std::int64_t> sums(means.size());
  for (std::size_t u = 0; u < updates.size(); ++u) {
    const RecordedUpdate& update = record.accepted[u];
    for (std::uint64_t i = 0; i < sums.size(); ++i) {
      const float value = FloatAt(updates[u], offset + i * sizeof(float));
      if (!(std::fabs(static_cast<double>(value)) < bound)) {
        return update.id.Text() + " holds a value beyond the bound of tensor " +
               std::to_string(tensor);
      }
      const std::uint64_t stale = weighing.stale ? update.factor : 1;
      const std::uint64_t weight = scaffold_ ? 1 : update.weight * stale;
      const std::int64_t q = NaiveRingValue(value, weight, scale.scale_log2);
      if (__builtin_add_overflow(sums[i], q, &sums[i])) return "a sum does not fit into 64 bits";
    }
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    means[i] = static_cast<double>(sums[i]) * unit / weighing.denominator;
  }
  return "";
}

// `steps`: what the mean is multiplied with before the server's step, 1 but with FedNova.
std::string ReferenceVersion::AdvanceTensor(std::size_t tensor, double steps,
                                            const RoundRecord& record,
                                            const std::vector<ByteSpan>& updates) {
  double largest = 1;
  for (const float value : contents_.F32(tensor)) {
    largest = std::max(largest, std::fabs(static_cast<double>(value)));
  }
  std::string wrong = CheckScale(tensor, 3 + NaiveCeilLog2(largest), record);
  if (!wrong.empty()) return wrong;
  const ParameterLayout::Entry& entry = contents_.layout().entries()[tensor];
  std::vector<double> means(entry.element_count);
  // As if none of them were stale.
  const std::uint64_t weights = record.weight_sum * NaiveFactor(job_.round, 0);
  const Weighing weighing = {static_cast<double>(scaffold_ ? updates.size() : weights), true};
  wrong = MeansOf(tensor, entry.offset_bytes, weighing, record, updates, means);
  if (!wrong.empty()) return wrong;
  for (double& mean : means) mean = steps * mean;
  if (scaffold_) wrong = MoveControl(tensor, 3 + NaiveCeilLog2(largest), record, updates);
  if (!wrong.empty()) return wrong;
  MoveTensor(tensor, means);
  return "";
}

// The second lane of an update: how far its slot's control variate goes. All N of them have their
// share in the server's, however few take part.
std::string ReferenceVersion::MoveControl(std::size_t tensor, int least_bound,
                                          const RoundRecord& record,
                                          const std::vector<ByteSpan>& updates) {
  const std::size_t control = tensors_ + tensor;
  std::string wrong = CheckScale(control, least_bound, record);
  if (!wrong.empty()) return wrong;
  const ParameterLayout::Entry& entry = contents_.layout().entries()[control];
  std::vector<double> changes(entry.element_count);
  const Weighing weighing = {static_cast<double>(job_.data.parts), false};
  wrong = MeansOf(control, entry.offset_bytes, weighing, record, updates, changes);
  if (!wrong.empty()) return wrong;
  const std::span<float> values = contents_.F32(control);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    values[i] = static_cast<float>(static_cast<double>(values[i]) + changes[i]);
  }
  return "";
}

void ReferenceVersion::MoveTensor(std::size_t tensor, const std::vector<double>& means) {
  const std::size_t kinds = contents_.layout().entries().size() / tensors_ - 1;
  const std::span<float> model = contents_.F32(tensor);
  std::vector<std::span<float>> states;
  for (std::size_t kind = 1; kind <= kinds; ++kind) {
    states.push_back(contents_.F32(kind * tensors_ + tensor));
  }
  std::vector<float> state(kinds);
  for (std::size_t i = 0; i < means.size(); ++i) {
    for (std::size_t kind = 0; kind < kinds; ++kind) state[kind] = states[kind][i];
    model[i] = NaiveServerStep(job_.strategy, model[i], means[i], state);
    for (std::size_t kind = 0; kind < kinds; ++kind) states[kind][i] = state[kind];
  }
}

std::string ReferenceVersion::Advance(const RoundRecord& record,
                                      const std::vector<ByteSpan>& updates) {
  const bool nova = job_.strategy.kind == StrategyKind::fednova;
  const std::size_t lanes = scaffold_ ? 2 : 1;
  if (record.scales.size() != lanes * tensors_ + (nova ? 1 : 0)) {
    return "there is not one scale a tensor";
  }
  std::uint64_t weights = 0;
  for (std::size_t u = 0; u < updates.size(); ++u) {
    const RecordedUpdate& update = record.accepted[u];
    weights += update.weight;
    const std::uint32_t factor = NaiveFactor(job_.round, record.parent - update.base_version);
    if (update.factor != factor) {
      return update.id.Text() + " has the staleness factor " + std::to_string(update.factor) +
             ", not " + std::to_string(factor);
    }
    if (updates[u].size() != lanes * model_bytes_ + (nova ? kTensorAlignment : 0)) {
      return record.accepted[u].id.Text() + " has another size than the model's lanes";
    }
  }
  if (weights != record.weight_sum) return "the weights do not make up their sum";
  std::vector<double> steps = {1};
  if (nova) {
    std::string wrong = CheckScale(tensors_, kStepsBound, record);
    const Weighing own = {static_cast<double>(weights), false};
    if (wrong.empty()) wrong = MeansOf(tensors_, model_bytes_, own, record, updates, steps);
    if (!wrong.empty()) return wrong;
  }
  for (std::size_t tensor = 0; tensor < tensors_; ++tensor) {
    std::string wrong = AdvanceTensor(tensor, steps[0], record, updates);
    if (!wrong.empty()) return wrong;
  }
  return "";
}

Sha256Digest ReferenceDigest(const ParameterLayout& layout, ByteSpan contents) {
  Bytes digests;
  const auto append = [&digests](const Sha256Digest& digest) {
    digests.insert(digests.end(), digest.begin(), digest.end());
  };
  append(Sha256Of(layout.Encode()));
  for (std::size_t begin = 0; begin < contents.size(); begin += kChunkBytes) {
    append(Sha256Of(contents.subspan(begin, std::min(kChunkBytes, contents.size() - begin))));
  }
  return Sha256Of(digests);
}

Sha256Digest ReferenceVersion::Digest() const {
  return ReferenceDigest(contents_.layout(), contents_.bytes());
}

double ReferenceVersion::Loss() const {
  const std::span<const float> values = contents_.F32(0);
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * value;
  return squares / static_cast<double>(values.size());
}

Xxh128Digest ReferenceVersion::ModelDigest() const {
  return Xxh128Of(contents_.bytes().first((scaffold_ ? 2 : 1) * model_bytes_));
}

}  // namespace muster::simulator
