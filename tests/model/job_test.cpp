#include "model/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "common/limits.h"
#include "common/random.h"

namespace muster {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

JobSpec ValidJob() {
  JobSpec job;
  job.name = "digits-2nn";
  job.data.train_examples = 6000;
  job.data.test_examples = 1000;
  return job;
}

JobSpec SyntheticJob() {
  JobSpec job;
  job.model.kind = ModelKind::synthetic;
  job.model.parameters = 1000;
  job.data.source = DataSource::none;
  job.train.duration_ms = 20;
  return job;
}

std::string TextOf(const Status& status) { return status ? "accepted" : status.error().Text(); }

// --- What is refused -----------------------------------------------------------------------------

struct Impossible {
  const char* what;
  const char* key;
  std::function<void(JobSpec&)> spoil;
};

const Impossible kImpossible[] = {
    {"empty name", "job.name", [](JobSpec& j) { j.name = ""; }},
    {"long name", "job.name", [](JobSpec& j) { j.name.assign(65, 'a'); }},
    {"slash", "job.name", [](JobSpec& j) { j.name = "a/b"; }},
    {"space", "job.name", [](JobSpec& j) { j.name = "a b"; }},
    {"newline", "job.name", [](JobSpec& j) { j.name = "a\n"; }},
    {"NUL", "job.name", [](JobSpec& j) { j.name = std::string("a\0b", 3); }},
    {"umlaut", "job.name", [](JobSpec& j) { j.name = "m\xC3\xBCster"; }},
    {"parent folder", "job.name", [](JobSpec& j) { j.name = ".."; }},
    {"flag", "job.name", [](JobSpec& j) { j.name = "-f"; }},
    {"no layer", "model.hidden", [](JobSpec& j) { j.model.hidden = {}; }},
    {"no unit", "model.hidden",
     [](JobSpec& j) {
       j.model.hidden = {200, 0};
     }},
    {"65 layers", "model.hidden", [](JobSpec& j) { j.model.hidden.assign(65, 1); }},
    {"too many units", "model.hidden", [](JobSpec& j) { j.model.hidden = {65537}; }},
    {"model too large", "model.hidden",
     [](JobSpec& j) {
       j.model.hidden = {65536, 65536, 65536};
     }},
    {"mlp with parameters", "model.parameters", [](JobSpec& j) { j.model.parameters = 1; }},
    {"mlp without data", "data.source", [](JobSpec& j) { j.data.source = DataSource::none; }},
    {"softmax without data", "data.source",
     [](JobSpec& j) {
       j.model.kind = ModelKind::softmax;
       j.data.source = DataSource::none;
     }},
    {"synthetic with data", "data.source",
     [](JobSpec& j) {
       j = SyntheticJob();
       j.data = ValidJob().data;
     }},
    {"synthetic of nothing", "model.parameters",
     [](JobSpec& j) {
       j = SyntheticJob();
       j.model.parameters = 0;
     }},
    {"synthetic too large", "model.parameters",
     [](JobSpec& j) {
       j = SyntheticJob();
       j.model.parameters = limits::kModelBytesMax / 4 + 1;
     }},
    {"synthetic with examples", "data.train_examples",
     [](JobSpec& j) {
       j = SyntheticJob();
       j.data.train_examples = 1;
     }},
    {"synthetic with tests", "data.test_examples",
     [](JobSpec& j) {
       j = SyntheticJob();
       j.data.test_examples = 1;
     }},
    {"no parts", "data.parts", [](JobSpec& j) { j.data.parts = 0; }},
    {"too many parts", "data.parts", [](JobSpec& j) { j.data.parts = limits::kRosterMax + 1; }},
    {"digits without examples", "data.train_examples",
     [](JobSpec& j) { j.data.train_examples = 0; }},
    {"digits without tests", "data.test_examples", [](JobSpec& j) { j.data.test_examples = 0; }},
    {"too many examples", "data.train_examples",
     [](JobSpec& j) { j.data.train_examples = limits::kExamplesMax + 1; }},
    {"empty parts", "data.train_examples", [](JobSpec& j) { j.data.train_examples = 9; }},
    {"no shards", "data.shards_per_part",
     [](JobSpec& j) {
       j.data.partition = Partition::shards;
       j.data.shards_per_part = 0;
     }},
    {"uneven shards", "data.train_examples",
     [](JobSpec& j) {
       j.data.partition = Partition::shards;
       j.data.train_examples = 6010;
     }},
    {"empty shards", "data.train_examples",
     [](JobSpec& j) {
       j.data.partition = Partition::shards;
       j.data.shards_per_part = 6001;
     }},
    {"too many shards", "data.shards_per_part",
     [](JobSpec& j) {
       j.data.partition = Partition::shards;
       j.data.shards_per_part = std::numeric_limits<std::uint32_t>::max();
     }},
    {"no epoch", "train.epochs", [](JobSpec& j) { j.train.epochs = 0; }},
    {"too many epochs", "train.epochs", [](JobSpec& j) { j.train.epochs = 65537; }},
    {"no step", "train.learning_rate", [](JobSpec& j) { j.train.learning_rate = 0; }},
    {"step back", "train.learning_rate", [](JobSpec& j) { j.train.learning_rate = -0.1; }},
    {"NaN step", "train.learning_rate", [](JobSpec& j) { j.train.learning_rate = kNan; }},
    {"endless step", "train.learning_rate", [](JobSpec& j) { j.train.learning_rate = kInfinity; }},
    {"step beyond float32", "train.learning_rate",
     [](JobSpec& j) { j.train.learning_rate = 1e39; }},
    {"step below float32", "train.learning_rate",
     [](JobSpec& j) { j.train.learning_rate = 1e-46; }},
    {"epsilon below float32", "train.adam_epsilon",
     [](JobSpec& j) {
       j.train.optimizer = Optimizer::adamw;
       j.train.adam_epsilon = 1e-300;
     }},
    {"blocks of parts", "data.block_examples", [](JobSpec& j) { j.data.block_examples = 50; }},
    {"duration of a real trainer", "train.duration_ms",
     [](JobSpec& j) { j.train.duration_ms = 1; }},
};

// Of the rounds, the strategy and the aggregation.
const Impossible kImpossibleRounds[] = {
    {"goal of nothing", "round.goal", [](JobSpec& j) { j.round.goal = 0; }},
    {"goal beyond cohorts", "round.goal",
     [](JobSpec& j) { j.round.goal = limits::kCohortMax + 1; }},
    {"goal beyond parts", "round.goal",
     [](JobSpec& j) {
       j.round.goal = 11;
       j.round.select_from = SelectFrom::present;
     }},
    {"no quorum", "round.quorum", [](JobSpec& j) { j.round.quorum = 0; }},
    {"quorum above goal", "round.quorum", [](JobSpec& j) { j.round.quorum = 11; }},
    {"too few selected", "round.over_select", [](JobSpec& j) { j.round.over_select = 0.999; }},
    {"NaN selected", "round.over_select", [](JobSpec& j) { j.round.over_select = kNan; }},
    {"all selected", "round.over_select", [](JobSpec& j) { j.round.over_select = kInfinity; }},
    {"1e300 selected", "round.over_select", [](JobSpec& j) { j.round.over_select = 1e300; }},
    {"cohort beyond limits", "round.over_select",
     [](JobSpec& j) {
       j.round.select_from = SelectFrom::present;
       j.round.over_select = 1639;
     }},
    {"cohort beyond the enrolled", "round.over_select",
     [](JobSpec& j) { j.round.over_select = 1.05; }},
    {"no server step", "strategy.server_learning_rate",
     [](JobSpec& j) { j.strategy.server_learning_rate = 0; }},
    {"NaN server step", "strategy.server_learning_rate",
     [](JobSpec& j) { j.strategy.server_learning_rate = kNan; }},
    {"momentum of 1", "strategy.server_momentum",
     [](JobSpec& j) { j.strategy.server_momentum = 1; }},
    {"negative momentum", "strategy.server_momentum",
     [](JobSpec& j) { j.strategy.server_momentum = -0.1; }},
    {"negative zero", "strategy.server_momentum",
     [](JobSpec& j) { j.strategy.server_momentum = -0.0; }},
    {"NaN momentum", "strategy.server_momentum",
     [](JobSpec& j) { j.strategy.server_momentum = kNan; }},
    {"momentum with FedNova", "strategy.server_momentum",
     [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fednova, .server_momentum = 0.5}; }},
    {"momentum beside beta1", "strategy.server_momentum",
     [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fedadam, .server_momentum = 0.5}; }},
    {"beta1 of 1", "strategy.beta1",
     [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fedadagrad, .beta1 = 1}; }},
    {"beta2 of 1", "strategy.beta2",
     [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fedadam, .beta2 = 1}; }},
    {"negative beta2", "strategy.beta2",
     [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fedyogi, .beta2 = -0.5}; }},
    {"no tau", "strategy.tau",
     [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fedyogi, .tau = 0}; }},
    {"tau whose square is no float", "strategy.tau",
     [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fedadam, .tau = 1e-20}; }},
    {"NaN tau", "strategy.tau",
     [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fedadagrad, .tau = kNan}; }},
    {"no mu", "strategy.proximal_mu",
     [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fedprox}; }},
    {"infinite mu", "strategy.proximal_mu",
     [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fedprox, .proximal_mu = kInfinity}; }},
    {"mu without fedprox", "strategy.proximal_mu",
     [](JobSpec& j) { j.strategy.proximal_mu = 0.1; }},
    {"nesterov without momentum", "strategy.server_momentum",
     [](JobSpec& j) { j.strategy = {.kind = StrategyKind::nesterov}; }},
    {"no alpha", "data.dirichlet_alpha",
     [](JobSpec& j) { j.data.partition = Partition::dirichlet, j.data.dirichlet_alpha = 0; }},
    {"NaN alpha", "data.dirichlet_alpha",
     [](JobSpec& j) { j.data.partition = Partition::dirichlet, j.data.dirichlet_alpha = kNan; }},
    {"alpha beyond whole numbers", "data.dirichlet_alpha",
     [](JobSpec& j) { j.data.partition = Partition::dirichlet, j.data.dirichlet_alpha = 1e7; }},
    {"no weight", "aggregation.weight_max", [](JobSpec& j) { j.aggregation.weight_max = 0; }},
    {"weight above 2^29", "aggregation.weight_max",
     [](JobSpec& j) { j.aggregation.weight_max = (1ULL << 29) + 1; }},
    {"every weight refused", "aggregation.weight_max",
     [](JobSpec& j) { j.aggregation.weight_max = 599; }},
    {"weights of the larger parts refused", "aggregation.weight_max",
     [](JobSpec& j) {
       j.data.train_examples = 6001;
       j.aggregation.weight_max = 600;
     }},
    {"concurrency of rounds", "round.concurrency", [](JobSpec& j) { j.round.concurrency = 5; }},
    {"staleness of rounds", "round.staleness_b", [](JobSpec& j) { j.round.staleness_b = 5; }},
    {"pull beyond float32", "strategy.proximal_mu",
     [](JobSpec& j) {
       j.strategy.kind = StrategyKind::fedprox;
       j.strategy.proximal_mu = 1e308;
     }},
    {"raised beyond all", "aggregation.bound_raise_max",
     [](JobSpec& j) { j.aggregation.bound_raise_max = 257; }},
};

void ExpectRefused(const Impossible& impossible) {
  JobSpec job = ValidJob();
  impossible.spoil(job);
  const std::string expected = std::string("config_invalid: ") + impossible.key + " ";
  EXPECT_THAT(TextOf(ValidateJob(job)), StartsWith(expected)) << impossible.what;
  const Result<JobSpec> decoded = DecodeJob(EncodeJob(job));
  ASSERT_FALSE(decoded.has_value()) << impossible.what;
  EXPECT_THAT(decoded.error().Text(), StartsWith(expected)) << impossible.what;
}

TEST(JobTest, ImpossibleJobsAreRefusedByKeyFromConfigAndWireAlike) {
  for (const Impossible& impossible : kImpossible) ExpectRefused(impossible);
  for (const Impossible& impossible : kImpossibleRounds) ExpectRefused(impossible);
}

TEST(JobTest, LargestAndSmallestAllowedValuesAreAccepted) {
  JobSpec job = ValidJob();
  job.name = std::string(63, 'A') + "z";
  job.model.hidden.assign(limits::kHiddenLayersMax, 1);
  job.data.parts = limits::kRosterMax;
  job.data.train_examples = limits::kExamplesMax;
  job.data.test_examples = 1;
  job.train.epochs = limits::kLocalEpochsMax;
  job.train.batch_size = 0;
  job.round.goal = limits::kCohortMax;
  job.round.quorum = 1;
  job.strategy.server_momentum = 0.999999;
  job.aggregation.weight_max = 1ULL << 29;
  job.aggregation.bound_raise_max = limits::kBoundRaiseLog2Max;
  EXPECT_EQ(TextOf(ValidateJob(job)), "accepted");
  EXPECT_EQ(TextOf(ValidateJob(SyntheticJob())), "accepted");
}

TEST(JobTest, IdxFilesMayHaveAnySize) {
  JobSpec job = ValidJob();
  job.data.source = DataSource::idx;
  job.data.train_examples = 0;
  job.data.test_examples = 0;
  job.data.partition = Partition::shards;
  EXPECT_EQ(TextOf(ValidateJob(job)), "accepted");
}

TEST(JobTest, UniformWeightsAskNothingOfThePartSize) {
  JobSpec job = ValidJob();
  job.aggregation.weight_max = 1;
  job.aggregation.weights = WeightPolicy::uniform;
  EXPECT_EQ(TextOf(ValidateJob(job)), "accepted");
}

TEST(JobTest, MessagesSayWhatToChange) {
  JobSpec job = ValidJob();
  job.round.over_select = 1.5;
  EXPECT_EQ(ValidateJob(job).error().message,
            "round.over_select asks for a cohort of 15, but data.parts = 10; round.select_from = "
            "\"enrolled\" cannot draw more");
}

// --- Cohorts -------------------------------------------------------------------------------------

std::uint32_t CohortOf(std::uint32_t goal, double over_select) {
  RoundSpec round;
  round.goal = goal;
  round.over_select = over_select;
  return CohortSize(round);
}

TEST(JobTest, CohortIsRoundedUp) {
  EXPECT_EQ(CohortOf(10, 1.0), 10U);
  EXPECT_EQ(CohortOf(10, 1.01), 11U);
  EXPECT_EQ(CohortOf(1, 1.5), 2U);
}

TEST(JobTest, CohortOfAWholeProductIsThatProduct) {
  ASSERT_GT(100 * 1.1, 110.0) << "the trap: in doubles the product lies above 110";
  EXPECT_EQ(CohortOf(100, 1.1), 110U);
  for (std::uint32_t goal = 10; goal <= 10'000; goal += 10) {
    EXPECT_EQ(CohortOf(goal, 1.3), goal / 10 * 13);
  }
}

// --- The bytes -----------------------------------------------------------------------------------

TEST(JobTest, DigestsOfKnownJobsNeverChange) {
  EXPECT_EQ(Hex(JobDigest(JobSpec{})),
            "1c1d4eca9eaf525e47601aba5a1a9f5859183c61e19c432cf2577f8650266515");
  EXPECT_EQ(Hex(JobDigest(ValidJob())),
            "3a93080b4538b283759b65839021fc429ab441bc72de2581ad01bebfaaa5b6f9");
}

struct Unused {
  const char* what;
  std::function<void(JobSpec&)> make;    // The kinds that do not use the key.
  std::function<void(JobSpec&)> change;  // The key.
};

const Unused kUnused[] = {
    {"hidden of a softmax", [](JobSpec& j) { j.model.kind = ModelKind::softmax; },
     [](JobSpec& j) {
       j.model.hidden = {3, 5};
     }},
    {"hidden of a synthetic", [](JobSpec& j) { j = SyntheticJob(); },
     [](JobSpec& j) { j.model.hidden.assign(65, 0); }},
    {"shards of an iid split", [](JobSpec&) {}, [](JobSpec& j) { j.data.shards_per_part = 7; }},
    {"shards of no data", [](JobSpec& j) { j = SyntheticJob(); },
     [](JobSpec& j) { j.data.partition = Partition::shards, j.data.shards_per_part = 0; }},
    {"batches of a synthetic", [](JobSpec& j) { j = SyntheticJob(); },
     [](JobSpec& j) { j.train.batch_size = 3; }},
    {"beta1 of fedavg", [](JobSpec&) {}, [](JobSpec& j) { j.strategy.beta1 = 0.5; }},
    {"beta2 of fedadagrad", [](JobSpec& j) { j.strategy.kind = StrategyKind::fedadagrad; },
     [](JobSpec& j) { j.strategy.beta2 = 0.5; }},
    {"tau of fedavg", [](JobSpec&) {}, [](JobSpec& j) { j.strategy.tau = 0.5; }},
    {"alpha of an iid split", [](JobSpec&) {}, [](JobSpec& j) { j.data.dirichlet_alpha = 7; }},
    {"rate of a synthetic", [](JobSpec& j) { j = SyntheticJob(); },
     [](JobSpec& j) { j.train.learning_rate = 3; }},
};

TEST(JobTest, KeysThatTheKindsDoNotUseMoveNoDigest) {
  for (const Unused& unused : kUnused) {
    JobSpec job = ValidJob();
    unused.make(job);
    const Sha256Digest before = JobDigest(job);
    unused.change(job);
    EXPECT_EQ(TextOf(ValidateJob(job)), "accepted") << unused.what;
    EXPECT_EQ(JobDigest(job), before) << unused.what;
    EXPECT_TRUE(DecodeJob(EncodeJob(job))) << unused.what;
  }
}

TEST(JobTest, BytesThatSetAnUnusedKeyAreRefused) {
  JobSpec job = ValidJob();
  job.model.kind = ModelKind::softmax;
  Bytes bytes = EncodeJob(job);
  // Magic 4, format 2, name 4 + 10, seed 8, kind 1, count of hidden 4: the first hidden layer.
  const std::size_t hidden_offset = 4 + 2 + 4 + job.name.size() + 8 + 1 + 4;
  ASSERT_EQ(LoadLittle<std::uint32_t>(bytes, hidden_offset), 200U);
  StoreLittle(bytes, hidden_offset, std::uint32_t{201});
  const Result<JobSpec> decoded = DecodeJob(bytes);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().reason, Reason::malformed_message);
}

TEST(JobTest, BytesBeginWithMagicFormatAndName) {
  const Bytes bytes = EncodeJob(ValidJob());
  EXPECT_EQ(Hex(ByteSpan(bytes).first(20)), "4d4a4f4202000a0000006469676974732d326e6e");
}

TEST(JobTest, EveryFieldComesBackAndMovesTheDigest) {
  const std::function<void(JobSpec&)> changes[] = {
      [](JobSpec& j) { j.name = "other"; },
      [](JobSpec& j) { j.seed = ~0ULL; },
      [](JobSpec& j) { j.model.kind = ModelKind::softmax; },
      [](JobSpec& j) {
        j.model.hidden = {3, 5, 7};
      },
      [](JobSpec& j) { j.data.source = DataSource::idx; },
      [](JobSpec& j) { j.data.parts = 11; },
      [](JobSpec& j) { j.data.partition = Partition::shards; },
      [](JobSpec& j) { j.data.partition = Partition::shards, j.data.shards_per_part = 3; },
      [](JobSpec& j) { j.data.train_examples = 7000; },
      [](JobSpec& j) { j.data.test_examples = 77; },
      [](JobSpec& j) { j.train.epochs = 5; },
      [](JobSpec& j) { j.train.batch_size = 0; },
      [](JobSpec& j) { j.train.learning_rate = 0.215; },
      [](JobSpec& j) { j.round.select_from = SelectFrom::present; },
      [](JobSpec& j) { j.round.goal = 9, j.round.quorum = 9; },
      [](JobSpec& j) { j.round.quorum = 3; },
      [](JobSpec& j) { j.round.goal = 5, j.round.quorum = 5, j.round.over_select = 1.25; },
      [](JobSpec& j) { j.strategy.server_learning_rate = 0.5; },
      [](JobSpec& j) { j.strategy.server_momentum = 0.9; },
      [](JobSpec& j) { j.strategy.kind = StrategyKind::fedadagrad; },
      [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fedadagrad, .tau = 0.5}; },
      [](JobSpec& j) { j.strategy.kind = StrategyKind::fedadam; },
      [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fedadam, .beta1 = 0.5}; },
      [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fedadam, .beta2 = 0.5}; },
      [](JobSpec& j) { j.strategy.kind = StrategyKind::fedyogi; },
      [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fedprox, .proximal_mu = 0.1}; },
      [](JobSpec& j) { j.strategy = {.kind = StrategyKind::fedprox, .proximal_mu = 0.2}; },
      [](JobSpec& j) { j.strategy = {.kind = StrategyKind::nesterov, .server_momentum = 0.9}; },
      [](JobSpec& j) { j.data.partition = Partition::dirichlet; },
      [](JobSpec& j) { j.data.partition = Partition::dirichlet, j.data.dirichlet_alpha = 2; },
      [](JobSpec& j) { j.aggregation.weights = WeightPolicy::uniform; },
      [](JobSpec& j) { j.aggregation.weight_max = 1ULL << 29; },
      [](JobSpec& j) { j.aggregation.bound_raise_max = 0; },
      [](JobSpec& j) { j = SyntheticJob(); },
      [](JobSpec& j) { j = SyntheticJob(), j.model.parameters = 1ULL << 32; },
      [](JobSpec& j) { j = SyntheticJob(), j.train.duration_ms = 4'000'000'000U; },
  };
  std::vector<Sha256Digest> seen = {JobDigest(ValidJob())};
  for (const auto& change : changes) {
    JobSpec job = ValidJob();
    change(job);
    const Result<JobSpec> decoded = DecodeJob(EncodeJob(job));
    ASSERT_TRUE(decoded.has_value()) << decoded.error().Text();
    EXPECT_EQ(EncodeJob(*decoded), EncodeJob(job));
    EXPECT_THAT(seen, testing::Not(testing::Contains(JobDigest(job))));
    seen.push_back(JobDigest(job));
  }
}

TEST(JobTest, DecodedFieldsAreThoseThatWereEncoded) {
  JobSpec job = ValidJob();
  job.seed = 42;
  job.model.hidden = {64, 32};
  job.train.learning_rate = 0.05;
  job.round.over_select = 1.0;
  const Result<JobSpec> decoded = DecodeJob(EncodeJob(job));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->name, "digits-2nn");
  EXPECT_EQ(decoded->seed, 42U);
  EXPECT_EQ(decoded->model.hidden, (std::vector<std::uint32_t>{64, 32}));
  EXPECT_EQ(decoded->train.learning_rate, 0.05);
  EXPECT_EQ(decoded->data.train_examples, 6000U);
  EXPECT_EQ(decoded->aggregation.weight_max, limits::kWeightMaxDefault);
}

TEST(JobTest, EveryTruncationIsMalformed) {
  const Bytes bytes = EncodeJob(ValidJob());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Result<JobSpec> decoded = DecodeJob(ByteSpan(bytes).first(size));
    ASSERT_FALSE(decoded.has_value()) << size;
    EXPECT_EQ(decoded.error().reason, Reason::malformed_message) << size;
  }
}

TEST(JobTest, TrailingByteIsMalformed) {
  Bytes bytes = EncodeJob(ValidJob());
  bytes.push_back(std::byte{0});
  EXPECT_EQ(DecodeJob(bytes).error().Text(),
            "malformed_message: 1 bytes follow the end of the job");
}

TEST(JobTest, NewerFormatIsUnsupported) {
  Bytes bytes = EncodeJob(ValidJob());
  bytes[4] = std::byte{3};
  EXPECT_EQ(DecodeJob(bytes).error().Text(),
            "unsupported: the job has format 3; this build reads format 2");
}

TEST(JobTest, UnknownEnumNumberIsUnsupportedByKey) {
  JobSpec job = ValidJob();
  job.round.mode = static_cast<Mode>(7);
  EXPECT_EQ(DecodeJob(EncodeJob(job)).error().Text(),
            "unsupported: the job's round.mode is number 7, which this build does not know");
  job = ValidJob();
  job.model.kind = static_cast<ModelKind>(0);
  EXPECT_EQ(DecodeJob(EncodeJob(job)).error().reason, Reason::unsupported);
}

TEST(JobTest, FalseCountsAllocateNothing) {
  Bytes bytes = EncodeJob(ValidJob());
  StoreLittle(bytes, 6, 0xFFFFFFFFU);  // the name's size
  EXPECT_EQ(DecodeJob(bytes).error().reason, Reason::malformed_message);
  bytes = EncodeJob(ValidJob());
  StoreLittle(bytes, 6 + 4 + ValidJob().name.size() + 8 + 1, 0xFFFFFFFFU);  // of hidden
  EXPECT_EQ(DecodeJob(bytes).error().reason, Reason::malformed_message);
}

TEST(JobTest, FlippedBitsGiveAnErrorOrAnotherValidJob) {
  constexpr std::uint64_t kSeed = 1;
  RecordProperty("seed", static_cast<int>(kSeed));
  std::uint64_t refused = 0;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    KeyedStream stream(kSeed, "job-bit-flips", {i});
    Bytes bytes = EncodeJob(i % 2 == 0 ? ValidJob() : SyntheticJob());
    for (std::uint64_t flips = 1 + stream.Below(4); flips > 0; --flips) {
      const std::uint64_t bit = stream.Below(bytes.size() * 8);
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    }
    const Result<JobSpec> decoded = DecodeJob(bytes);
    if (!decoded) {
      ++refused;
      EXPECT_FALSE(decoded.error().message.empty());
      continue;
    }
    EXPECT_TRUE(ValidateJob(*decoded).has_value()) << "seed " << kSeed << " case " << i;
    EXPECT_EQ(EncodeJob(*decoded), bytes) << "seed " << kSeed << " case " << i;
  }
  EXPECT_GT(refused, 1000U);
  EXPECT_LT(refused, 10'000U);
}

}  // namespace
}  // namespace muster
