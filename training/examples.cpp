#include "training/examples.h"

#include <array>
#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "common/limits.h"
#include "training/digits.h"
#include "training/idx.h"

namespace muster {

namespace {

std::uint64_t WantedCount(const JobSpec& job, Split split) {
  return split == Split::train ? job.data.train_examples : job.data.test_examples;
}

std::string_view SplitName(Split split) { return split == Split::train ? "training" : "held-out"; }

// Draws each image when it is first asked for. Two threads that ask at once may both draw it; one
// of the two equal drawings is kept.
class DigitSet final : public ExampleSet {
 public:
  DigitSet(std::uint64_t seed, Split split, std::vector<std::uint8_t> labels)
      : seed_(seed), split_(split), labels_(std::move(labels)), images_(labels_.size()) {}
  ~DigitSet() override {
    for (std::atomic<Pixels*>& image : images_) delete image.load(std::memory_order_relaxed);
  }

  std::span<const std::uint8_t> labels() const override { return labels_; }

  const std::uint8_t* Image(std::uint32_t index) const override {
    std::atomic<Pixels*>& image = images_[index];
    if (const Pixels* drawn = image.load(std::memory_order_acquire)) return drawn->data();
    auto fresh = std::make_unique<Pixels>();
    DrawDigit(seed_, split_, index, *fresh);
    Pixels* expected = nullptr;
    if (!image.compare_exchange_strong(expected, fresh.get(), std::memory_order_acq_rel)) {
      return expected->data();
    }
    return fresh.release()->data();
  }

 private:
  using Pixels = std::array<std::uint8_t, kImageBytes>;
  std::uint64_t seed_;
  Split split_;
  std::vector<std::uint8_t> labels_;
  mutable std::vector<std::atomic<Pixels*>> images_;
};

class IdxSet final : public ExampleSet {
 public:
  IdxSet(std::vector<std::uint8_t> labels, std::vector<std::uint8_t> pixels)
      : labels_(std::move(labels)), pixels_(std::move(pixels)) {}
  std::span<const std::uint8_t> labels() const override { return labels_; }
  const std::uint8_t* Image(std::uint32_t index) const override {
    return pixels_.data() + std::size_t{index} * kImageBytes;
  }

 private:
  std::vector<std::uint8_t> labels_;
  std::vector<std::uint8_t> pixels_;
};

// Tells apart the sets that one process may hold at once.
using SetKey = std::tuple<DataSource, Split, std::uint64_t, std::uint64_t, std::string>;

SetKey KeyOf(const JobSpec& job, Split split, const DataOptions& options) {
  const std::uint64_t count = WantedCount(job, split);
  if (job.data.source == DataSource::digits) {
    return {job.data.source, split, count, job.seed, ""};
  }
  std::error_code ignored;  // A path that cannot be resolved is its own key; reading it will fail.
  const std::string path = std::filesystem::weakly_canonical(options.dir, ignored).string();
  return {job.data.source, split, count, 0, path.empty() ? options.dir : path};
}

Result<std::shared_ptr<const ExampleSet>> Load(const JobSpec& job, Split split,
                                               const DataOptions& options) {
  auto labels = LoadLabels(job, split, options);
  MUSTER_TRY(labels);
  if (job.data.source == DataSource::digits) {
    return std::make_shared<DigitSet>(job.seed, split, std::move(*labels));
  }
  auto pixels = ReadIdxImages(options.dir, split);
  MUSTER_TRY(pixels);
  pixels->resize(labels->size() * kImageBytes);
  return std::make_shared<IdxSet>(std::move(*labels), std::move(*pixels));
}

}  // namespace

Result<std::vector<std::uint8_t>> LoadLabels(const JobSpec& job, Split split,
                                             const DataOptions& options) {
  const std::uint64_t wanted = WantedCount(job, split);
  if (wanted > limits::kHeldExamplesMax) {
    return Error{Reason::config_invalid, "the job names " + std::to_string(wanted) + " " +
                                             std::string(SplitName(split)) +
                                             " examples; a process holds at most " +
                                             std::to_string(limits::kHeldExamplesMax)};
  }
  if (job.data.source == DataSource::digits) {
    std::vector<std::uint8_t> labels(wanted);
    for (std::uint64_t index = 0; index < wanted; ++index) labels[index] = DigitLabel(index);
    return labels;
  }
  const auto count = CountIdxExamples(options.dir, split);
  if (!count.has_value() && count.error().reason == Reason::not_found) {
    return Error{Reason::file_unreadable, "the " + std::string(SplitName(split)) +
                                              " examples are missing: " + count.error().message};
  }
  MUSTER_TRY(count);
  if (wanted > *count) {
    return Error{Reason::config_invalid, "the job names " + std::to_string(wanted) + " " +
                                             std::string(SplitName(split)) + " examples, but " +
                                             options.dir + " holds " + std::to_string(*count)};
  }
  auto labels = ReadIdxLabels(options.dir, split);
  MUSTER_TRY(labels);
  if (wanted != 0) labels->resize(wanted);
  return labels;
}

Status CheckExamples(const JobSpec& job, const DataOptions& options) {
  if (job.data.source == DataSource::digits) return {};
  if (options.dir.empty()) {
    return Error{Reason::config_invalid, "data.source is \"idx\" but no data.dir is given"};
  }
  bool found = false;
  for (const Split split : {Split::train, Split::test}) {
    const auto count = CountIdxExamples(options.dir, split);
    if (!count.has_value() && count.error().reason != Reason::not_found) return count.error();
    found = found || count.has_value();
  }
  if (found) return {};
  return Error{Reason::file_unreadable,
               options.dir + " holds no pair of IDX files under MNIST's names"};
}

Result<std::shared_ptr<const ExampleSet>> OpenExamples(const JobSpec& job, Split split,
                                                       const DataOptions& options) {
  static std::mutex mutex;
  static auto& sets = *new std::map<SetKey, std::weak_ptr<const ExampleSet>>;
  const std::lock_guard lock(mutex);
  std::erase_if(sets, [](const auto& entry) { return entry.second.expired(); });
  const SetKey key = KeyOf(job, split, options);
  if (const auto found = sets.find(key); found != sets.end()) {
    if (auto held = found->second.lock()) return held;
  }
  auto loaded = Load(job, split, options);
  MUSTER_TRY(loaded);
  sets[key] = *loaded;
  return loaded;
}

}  // namespace muster
