// Versions computed a second time, naively: what DESIGN section 3 and the strategies of
// aggregation/ say, in whole numbers and one element after another, with none of the code that
// production computes with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/ids.h"
#include "model/job.h"
#include "model/parameter_set.h"
#include "protocol/records.h"

namespace muster::simulator {

/// q = round(weight * value * 2^scale_log2) to nearest, ties to even. REQUIRES: `value` is finite
/// and |q| < 2^62.
std::int64_t NaiveRingValue(float value, std::uint64_t weight, int scale_log2);

/// The least e >= 0 with 2^e >= magnitude. REQUIRES: finite.
int NaiveCeilLog2(double magnitude);

/// The model's tensors, and for each kind of the server's state one more for each.
ParameterLayout ReferenceLayout(const JobSpec& job, const ParameterLayout& model);

/// Of a version with these contents.
Sha256Digest ReferenceDigest(const ParameterLayout& layout, ByteSpan contents);

/// One version: the model, then the server's state. Not thread-safe.
class ReferenceVersion {
 public:
  /// Version 0.
  ReferenceVersion(const JobSpec& job, const ParameterSet& model);

  /// The version that follows by `record` from this one, by updates with these bytes in the order
  /// of the record. Returns what is wrong with record or updates; empty if nothing.
  std::string Advance(const RoundRecord& record, const std::vector<ByteSpan>& updates);

  Sha256Digest Digest() const;
  /// Of what a task names: the model, with scaffold and its control variate.
  Xxh128Digest ModelDigest() const;
  /// The mean square of the first tensor, which is all of the synthetic trainer's model.
  double Loss() const;

 private:
  /// How a mean is taken: what a sum is divided by, and whether the staleness factors enter it.
  struct Weighing {
    double denominator = 1;
    bool stale = false;
  };

  std::string AdvanceTensor(std::size_t tensor, double steps, const RoundRecord& record,
                            const std::vector<ByteSpan>& updates);
  void MoveTensor(std::size_t tensor, const std::vector<double>& means);
  std::string MoveControl(std::size_t tensor, int least_bound, const RoundRecord& record,
                          const std::vector<ByteSpan>& updates);
  std::string MeansOf(std::size_t tensor, std::uint64_t offset, const Weighing& weighing,
                      const RoundRecord& record, const std::vector<ByteSpan>& updates,
                      std::vector<double>& means) const;
  std::string CheckScale(std::size_t tensor, int least_bound, const RoundRecord& record) const;

  const JobSpec job_;
  const std::size_t tensors_;  ///< Of the model.
  std::uint64_t model_bytes_ = 0;
  const bool scaffold_;  ///< Two lanes, both of weight one.
  ParameterSet contents_;
};

}  // namespace muster::simulator
