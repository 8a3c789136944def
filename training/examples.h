// The labelled images that a job trains on and is judged by.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/error.h"
#include "model/job.h"
#include "training/trainer.h"

namespace muster {

/// Every image is 28 x 28 grey pixels, row after row from the top: the shape of the built-in
/// models follows from the job alone.
inline constexpr std::uint32_t kImageSide = 28;
inline constexpr std::uint32_t kImageBytes = kImageSide * kImageSide;
inline constexpr std::uint32_t kClassCount = 10;

/// Numbers are part of the key of each drawn example.
enum class Split : std::uint8_t { train = 0, test = 1 };

/// An immutable set of examples. Thread-safe.
class ExampleSet {
 public:
  virtual ~ExampleSet() = default;
  /// One class below kClassCount for each example.
  virtual std::span<const std::uint8_t> labels() const = 0;
  /// kImageBytes that stay valid as long as the set. Drawn at the first call where they are not
  /// read from a file. REQUIRES: index < labels().size().
  virtual const std::uint8_t* Image(std::uint32_t index) const = 0;
};

/// The job's examples. One process holds a set once, however many trainers ask for it, until the
/// last of them is gone. Thread-safe; loading blocks other callers.
/// Errors: file_unreadable, file_malformed, config_invalid (fewer examples than the job names).
Result<std::shared_ptr<const ExampleSet>> OpenExamples(const JobSpec& job, Split split,
                                                       const DataOptions& options);

/// The labels alone, without loading or drawing images. Errors: as OpenExamples.
Result<std::vector<std::uint8_t>> LoadLabels(const JobSpec& job, Split split,
                                             const DataOptions& options);

/// A first look at what OpenExamples will need: files exist for the training or the held-out split
/// (a machine may hold one alone) and the headers of those that do are sound. Errors: as
/// OpenExamples.
Status CheckExamples(const JobSpec& job, const DataOptions& options);

}  // namespace muster
