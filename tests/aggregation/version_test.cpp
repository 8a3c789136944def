#include "aggregation/version.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "aggregation/ring.h"
#include "aggregation/version_builder.h"
#include "common/digest.h"
#include "tests/aggregation/lane_strategy.h"
#include "tests/aggregation/ring_inputs.h"

namespace muster {
namespace {

/// A parent of about three chunks with its server state, and the folded sum of two updates.
class VersionTest : public ::testing::Test {
 protected:
  void Prepare(double momentum) {
    JobSpec& job = job_;
    job.strategy.server_learning_rate = learning_rate_ = 0.7;
    job.strategy.server_momentum = momentum_ = momentum;
    strategy_ = CreateStrategy(job);

    KeyedStream stream(11, "version", {});
    const auto draw = [&] { return testing::DeltaLikeFloat(stream); };
    model_layout_ = testing::Layout({{700, 1000}, {17}, {}, {30'001}});
    parent_ = InitialVersion(*strategy_, testing::Filled(model_layout_, draw)).value();
    parent_ = testing::Filled(parent_.layout(), draw);  // Server state that is not zero.
    for (ParameterSet& update : updates_) update = testing::Filled(model_layout_, draw);

    const std::vector<float> magnitudes(4, 2.0F);
    sum_.emplace(testing::OneLane(model_layout_, weight_));
    const auto scales = ComputeLaneScales(sum_->lanes(), magnitudes, kCapacity, 0).value();
    ASSERT_TRUE(sum_->Reset(scales, kCapacity).has_value());
    Fold();
  }

  void Fold() {
    ThreadPool pool(1);
    const std::vector<UpdateSource> sources = {testing::SourceOf(updates_[0], 3),
                                               testing::SourceOf(updates_[1], 5)};
    ASSERT_TRUE(sum_->Fold(sources, pool).has_value());
  }

  /// Builds into built_.
  Result<BuiltVersion> Build(std::size_t threads) {
    ThreadPool pool(threads);
    built_ = ParameterSet(parent_.layout());
    return BuildVersion({*strategy_, parent_, *sum_, 6, full_factor_}, pool, built_);
  }

  /// The new version by plain loops over whole tensors.
  ParameterSet Expected(double denominator = 8) const {
    ParameterSet version(parent_.layout());
    const std::size_t tensors = model_layout_.entries().size();
    for (std::size_t t = 0; t < tensors; ++t) {
      const double unit = std::ldexp(1.0, -sum_->scales()[t].scale_log2);
      for (std::size_t i = 0; i < version.F32(t).size(); ++i) {
        double step = RingMean(sum_->Tensor(t)[i], unit, denominator);
        if (momentum_ != 0) {
          step = momentum_ * static_cast<double>(parent_.F32(tensors + t)[i]) + step;
          version.F32(tensors + t)[i] = static_cast<float>(step);
        }
        version.F32(t)[i] = static_cast<float>(parent_.F32(t)[i] + learning_rate_ * step);
      }
    }
    return version;
  }

  static constexpr RingCapacity kCapacity = {1U << 20, 10};
  JobSpec job_;
  LaneWeight weight_ = LaneWeight::update;
  std::uint32_t full_factor_ = 1;
  double learning_rate_ = 0;
  double momentum_ = 0;
  std::unique_ptr<Strategy> strategy_;
  ParameterLayout model_layout_;
  ParameterSet parent_;
  std::array<ParameterSet, 2> updates_;
  std::optional<RingSum> sum_;
  ParameterSet built_;
};

TEST_F(VersionTest, BuildEqualsPlainLoopsAndDescribesItself) {
  for (const double momentum : {0.0, 0.9}) {
    Prepare(momentum);
    const ParameterSet expected = Expected();
    const VersionManifest described = DescribeVersion(expected, 4, 6).value();
    for (const std::size_t threads : {1, 2, 8}) {
      const auto built = Build(threads);
      ASSERT_TRUE(built.has_value()) << built.error().Text();
      EXPECT_TRUE(std::ranges::equal(built_.bytes(), expected.bytes()));
      EXPECT_EQ(built->model_digest, Xxh128Of(expected.bytes().first(model_layout_.total_bytes())));
      const VersionManifest* const manifest = &built->manifest;
      EXPECT_EQ(manifest->version, 6U);
      EXPECT_EQ(manifest->digest, described.digest);
      EXPECT_EQ(manifest->chunk_digests, described.chunk_digests);
      EXPECT_EQ(manifest->tensors, described.tensors);
      EXPECT_EQ(manifest->tensor_max_abs, described.tensor_max_abs);
      EXPECT_EQ(manifest->model_tensor_count, 4U);
      EXPECT_EQ(manifest->model_bytes, model_layout_.total_bytes());
      EXPECT_EQ(manifest->model_bytes, described.model_bytes);
      EXPECT_EQ(manifest->total_bytes, described.total_bytes);
    }
  }
}

// The updates were folded with weights 3 and 5, so that their sum and their number differ.
TEST_F(VersionTest, ALaneOfWeightOneIsDividedByTheNumberOfUpdates) {
  weight_ = LaneWeight::one;
  Prepare(0);
  const LaneSpec lane = {"delta", model_layout_, LaneWeight::one};
  strategy_ = std::make_unique<testing::LaneStrategy>(job_, std::vector{lane});
  ASSERT_TRUE(Build(2).has_value());
  const ParameterSet expected = Expected(2);
  EXPECT_TRUE(std::ranges::equal(built_.bytes(), expected.bytes()));
}

// Folded with factors of 1: 3 + 5 = 8, as if the full factor were 512.
TEST_F(VersionTest, ALaneOfOwnWeightIsDividedByTheWeightsAloneAndOthersByTheFullFactorToo) {
  for (const LaneWeight weight : {LaneWeight::own, LaneWeight::update}) {
    weight_ = weight;
    Prepare(0);
    const LaneSpec lane = {"delta", model_layout_, weight};
    strategy_ = std::make_unique<testing::LaneStrategy>(job_, std::vector{lane});
    full_factor_ = 512;
    ASSERT_TRUE(Build(2).has_value());
    const ParameterSet expected = Expected(weight == LaneWeight::own ? 8 : 8 * 512);
    EXPECT_TRUE(std::ranges::equal(built_.bytes(), expected.bytes()));
  }
}

TEST_F(VersionTest, AnUpdateHasItsWeightOrOneByTheLane) {
  EXPECT_EQ(WeightInLane(LaneWeight::update, 5, 3), 15U);
  EXPECT_EQ(WeightInLane(LaneWeight::own, 5, 3), 5U);
  EXPECT_EQ(WeightInLane(LaneWeight::one, 5, 3), 1U);
}

/// new model = model + mean(delta) * mean(factor) + mean(again), where `factor` is one value.
class ThreeLanes final : public Strategy {
 public:
  explicit ThreeLanes(const JobSpec& job) : fedavg_(job) {}
  std::string_view name() const override { return "three"; }
  std::span<const std::string_view> state_kinds() const override { return {}; }
  LocalTraining Ask(Round round) const override { return fedavg_.Ask(round); }
  Result<std::uint64_t> UpdateWeight(std::uint64_t examples) const override {
    return fedavg_.UpdateWeight(examples);
  }
  Status CheckUpdateWeight(std::uint64_t weight) const override {
    return fedavg_.CheckUpdateWeight(weight);
  }
  std::vector<LaneSpec> Lanes(const ParameterLayout& model) const override {
    std::vector<TensorSpec> again = model.Specs();
    for (TensorSpec& spec : again) spec.name = "again/" + spec.name;
    return {{"delta", model, LaneWeight::update},
            {"factor", ParameterLayout::Create({{"factor", DType::f32, {}}}).value(),
             LaneWeight::update, LaneReach::whole, 4},
            {"again", ParameterLayout::Create(std::move(again)).value(), LaneWeight::one}};
  }
  void Apply(const TileInput& input, const TileOutput& output) const override {
    const auto mean = [&](std::size_t lane, std::size_t i) {
      const LaneTile& tile = input.lanes[lane];
      return RingMean(tile.sums[i], tile.unit, tile.denominator);
    };
    for (std::size_t i = 0; i < input.model.size(); ++i) {
      const double step = mean(0, i) * mean(1, 0) + mean(2, i);
      output.model[i] = static_cast<float>(input.model[i] + step);
    }
  }

 private:
  FedAvg fedavg_;
};

TEST_F(VersionTest, EveryTileSeesItsShareOfEachLaneAndAllOfAWholeOne) {
  Prepare(0);
  strategy_ = std::make_unique<ThreeLanes>(job_);
  const LaneSet lanes = LanesOf(*strategy_, model_layout_).value();
  KeyedStream stream(12, "lanes", {});
  for (ParameterSet& update : updates_) {
    update = testing::Filled(lanes.layout(), [&] { return testing::DeltaLikeFloat(stream); });
  }
  sum_.emplace(lanes);
  const std::vector<float> magnitudes(4, 2.0F);
  const auto scales = ComputeLaneScales(lanes, magnitudes, kCapacity, 0).value();
  ASSERT_TRUE(sum_->Reset(scales, kCapacity).has_value());
  Fold();
  const auto mean = [&](std::size_t tensor, std::size_t i, double denominator) {
    return RingMean(sum_->Tensor(tensor)[i], std::ldexp(1.0, -scales[tensor].scale_log2),
                    denominator);
  };
  ParameterSet expected(parent_.layout());
  for (std::size_t t = 0; t < 4; ++t) {
    for (std::size_t i = 0; i < expected.F32(t).size(); ++i) {
      const double step = mean(t, i, 8) * mean(4, 0, 8) + mean(5 + t, i, 2);
      expected.F32(t)[i] = static_cast<float>(parent_.F32(t)[i] + step);
    }
  }
  for (const std::size_t threads : {1, 2, 8}) {
    ASSERT_TRUE(Build(threads).has_value());
    EXPECT_TRUE(std::ranges::equal(built_.bytes(), expected.bytes()));
  }
}

/// FedAvg that hands its momentum out.
class Generous final : public FedAvg {
 public:
  using FedAvg::FedAvg;
  std::size_t downloaded_kinds() const override { return 1; }
};

TEST_F(VersionTest, WhatIsDownloadedIsWhatItsDigestCovers) {
  Prepare(0.9);
  strategy_ = std::make_unique<Generous>(job_);
  const auto built = Build(2);
  ASSERT_TRUE(built.has_value());
  const ParameterLayout download = DownloadLayout(*strategy_, model_layout_).value();
  EXPECT_EQ(download, parent_.layout()) << "the model and all of its one kind of state";
  EXPECT_EQ(DownloadBytes(*strategy_, model_layout_.total_bytes()), download.total_bytes());
  EXPECT_EQ(built->model_digest, Xxh128Of(built_.bytes()));
}

TEST_F(VersionTest, ASumOfOtherTensorsThanTheLanesIsRefused) {
  Prepare(0);
  strategy_ = std::make_unique<ThreeLanes>(job_);
  EXPECT_EQ(Build(1).error().reason, Reason::size_mismatch);
}

TEST_F(VersionTest, ANewValueThatIsNotFiniteNamesItsTensor) {
  Prepare(0);
  parent_.F32(3)[30'000] = std::numeric_limits<float>::max();
  updates_[0].F32(3)[30'000] = std::numeric_limits<float>::max();
  updates_[1].F32(3)[30'000] = std::numeric_limits<float>::max();
  const std::vector<float> magnitudes(4, std::numeric_limits<float>::max());
  const auto scales = ComputeScales(model_layout_, magnitudes, kCapacity, 0).value();
  ASSERT_TRUE(sum_->Reset(scales, kCapacity).has_value());
  Fold();
  for (const std::size_t threads : {1, 2, 8}) {
    const auto built = Build(threads);
    ASSERT_FALSE(built.has_value());
    EXPECT_EQ(built.error().reason, Reason::diverged);
    EXPECT_NE(built.error().message.find("layer3"), std::string::npos);
  }
}

TEST_F(VersionTest, TheFirstOfSeveralErrorsIsReportedWhateverTheThreads) {
  Prepare(0);
  for (const std::size_t tensor : {3, 1, 0}) {
    parent_.F32(tensor).back() = std::numeric_limits<float>::infinity();
  }
  for (const std::size_t threads : {1, 2, 8}) {
    const auto built = Build(threads);
    ASSERT_FALSE(built.has_value());
    EXPECT_NE(built.error().message.find("layer0"), std::string::npos);
  }
}

TEST_F(VersionTest, AParentWithoutTheStrategysStateIsRefused) {
  Prepare(0);
  JobSpec job;
  job.strategy.server_momentum = 0.9;
  strategy_ = CreateStrategy(job);
  EXPECT_EQ(Build(1).error().reason, Reason::size_mismatch);
}

TEST_F(VersionTest, InitialVersionIsTheModelAndZeroState) {
  Prepare(0.9);
  const ParameterSet version = InitialVersion(*strategy_, updates_[0]).value();
  const ByteSpan model = version.bytes().first(model_layout_.total_bytes());
  EXPECT_TRUE(std::equal(model.begin(), model.end(), updates_[0].bytes().begin()));
  for (std::byte byte : version.bytes().subspan(model.size())) ASSERT_EQ(byte, std::byte{0});
  EXPECT_EQ(version.layout().entries()[4].spec.name, "server/momentum/layer0");
}

TEST(VersionDigest, IsTheHashOfTheHashesOfLayoutAndChunks) {
  const auto layout = testing::Layout({{300'000}});  // 1.2 MB: two chunks.
  KeyedStream stream(5, "digest", {});
  const auto contents = testing::Filled(layout, [&] { return testing::DeltaLikeFloat(stream); });
  Bytes hashes;
  const auto append = [&](const Sha256Digest& digest) {
    hashes.insert(hashes.end(), digest.begin(), digest.end());
  };
  append(Sha256Of(layout.Encode()));
  append(Sha256Of(contents.bytes().first(1'048'576)));
  append(Sha256Of(contents.bytes().subspan(1'048'576)));
  EXPECT_EQ(DescribeVersion(contents, 1, 0).value().digest, Sha256Of(hashes));
}

TEST(VersionDigest, SeesEveryBitNameAndShape) {
  const auto digest = [](std::string name, std::vector<std::uint64_t> shape, float value) {
    ParameterSet set(
        ParameterLayout::Create({{std::move(name), DType::f32, std::move(shape)}}).value());
    set.F32(0)[0] = value;
    return DescribeVersion(set, 1, 0).value().digest;
  };
  const Sha256Digest base = digest("w", {2, 3}, 1.0F);
  EXPECT_EQ(digest("w", {2, 3}, 1.0F), base);
  EXPECT_NE(digest("v", {2, 3}, 1.0F), base);
  EXPECT_NE(digest("w", {3, 2}, 1.0F), base);
  EXPECT_NE(digest("w", {2, 3}, std::nextafter(1.0F, 2.0F)), base);
}

TEST(DescribeVersion, WhatIsNotFiniteIsRefusedByName) {
  ParameterSet set(testing::Layout({{3}, {3}}));
  set.F32(1)[2] = std::nanf("");
  const auto refused = DescribeVersion(set, 2, 0);
  EXPECT_EQ(refused.error().reason, Reason::diverged);
  EXPECT_NE(refused.error().message.find("layer1"), std::string::npos);
}

TEST(DescribeVersion, FewerTensorsThanTheModelHasAreRefused) {
  EXPECT_EQ(DescribeVersion(ParameterSet(testing::Layout({{3}})), 2, 0).error().reason,
            Reason::config_invalid);
}

}  // namespace
}  // namespace muster
