// What the fuzzers begin with (tests/fuzz/seeds) is what is written today: a seed of an old format
// is refused at its first bytes, and a fuzzer that begins with it sees little of its parser.
// MUSTER_REWRITE_SEEDS=1 writes them anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <tuple>

#include "model/job.h"
#include "model/safetensors.h"
#include "protocol/record_codec.h"
#include "tests/protocol/samples.h"

namespace muster {
namespace {

namespace fs = std::filesystem;

/// In the order of Records: the name of a seed, or none.
constexpr const char* kRecordSeeds[] = {"lineage",     "job",
                                        "epoch",       "roster_entry",
                                        "open_round",  "accepted_update",
                                        "round",       "version_manifest",
                                        "update_fate", "evaluation",
                                        "finish",      "epoch_alone"};
static_assert(std::size(kRecordSeeds) == std::tuple_size_v<Records>);

fs::path SeedFolder() { return fs::path(MUSTER_SOURCE_DIR) / "tests/fuzz/seeds"; }

std::string BytesOf(const fs::path& file) {
  std::ostringstream bytes;
  bytes << std::ifstream(file, std::ios::binary).rdbuf();
  return bytes.str();
}

std::string Written(const Bytes& bytes) { return std::string(AsText(bytes)); }

std::map<std::string, JobSpec> SeedJobs() {
  JobSpec digits;
  digits.data.train_examples = 6000;
  digits.data.test_examples = 1000;
  JobSpec synthetic = digits;
  synthetic.model = {.kind = ModelKind::synthetic, .hidden = {}, .parameters = 1000};
  synthetic.data = {.source = DataSource::none};
  JobSpec diloco = digits;
  diloco.round.mode = Mode::diloco;
  diloco.train.optimizer = Optimizer::adamw;
  diloco.train.steps = 50;
  diloco.strategy.kind = StrategyKind::nesterov;
  diloco.strategy.server_momentum = 0.9;
  JobSpec scaffold = digits;
  scaffold.data.partition = Partition::dirichlet;
  scaffold.strategy.kind = StrategyKind::scaffold;
  JobSpec sync_sgd = digits;
  sync_sgd.round.mode = Mode::sync_sgd;
  sync_sgd.strategy.kind = StrategyKind::fedadam;
  JobSpec prox = digits;
  prox.data.partition = Partition::shards;
  prox.strategy.kind = StrategyKind::fedprox;
  prox.strategy.proximal_mu = 0.1;
  return {{"digits", digits},     {"synthetic", synthetic}, {"diloco", diloco},
          {"scaffold", scaffold}, {"sync-sgd", sync_sgd},   {"fedprox", prox}};
}

/// The seeds by their place in the folder.
std::map<std::string, std::string> SeedsOfToday() {
  std::map<std::string, std::string> seeds;
  for (const auto& [name, job] : SeedJobs()) seeds["job/" + name] = Written(EncodeJob(job));
  for (const Message& message : SampleMessages()) {
    const std::size_t payload = PayloadBytes(message);
    std::string& seed = seeds["message/" + std::string(MessageName(message))];
    seed = {static_cast<char>(payload & 255), static_cast<char>(payload >> 8)};
    seed += Written(EncodeMessage(SampleHeader(), message));
  }
  std::size_t kind = 0;
  const auto add = [&](const auto& record) {
    seeds[std::string("record/") + kRecordSeeds[kind]] =
        static_cast<char>(kind) + Written(EncodeRecord(record));
    ++kind;
  };
  std::apply([&](const auto&... record) { (add(record), ...); }, SampleRecords());
  return seeds;
}

TEST(FuzzSeeds, AreWhatIsWrittenToday) {
  const bool rewrite = std::getenv("MUSTER_REWRITE_SEEDS") != nullptr;
  for (const auto& [place, bytes] : SeedsOfToday()) {
    if (rewrite) std::ofstream(SeedFolder() / place, std::ios::binary) << bytes;
    EXPECT_TRUE(BytesOf(SeedFolder() / place) == bytes)
        << place << " is of another format: write it anew with MUSTER_REWRITE_SEEDS=1";
  }
}

TEST(FuzzSeeds, NoneIsOfAKindThatIsNoMore) {
  const std::map<std::string, std::string> today = SeedsOfToday();
  for (const std::string folder : {"job", "message", "record"}) {
    for (const auto& entry : fs::directory_iterator(SeedFolder() / folder)) {
      EXPECT_TRUE(today.contains(folder + "/" + entry.path().filename().string())) << entry.path();
    }
  }
}

TEST(FuzzSeeds, EachParses) {
  for (const auto& entry : fs::directory_iterator(SeedFolder() / "job")) {
    EXPECT_TRUE(DecodeJob(AsBytes(BytesOf(entry.path())))) << entry.path();
  }
  for (const auto& entry : fs::directory_iterator(SeedFolder() / "message")) {
    const std::string bytes = BytesOf(entry.path());
    ASSERT_GE(bytes.size(), 2U) << entry.path();
    const std::size_t payload = static_cast<unsigned char>(bytes[0]) |
                                static_cast<std::size_t>(static_cast<unsigned char>(bytes[1])) << 8;
    const auto message = DecodeMessage(AsBytes(bytes).subspan(2), payload);
    EXPECT_TRUE(message.has_value()) << entry.path() << ": " << message.error().Text();
  }
  for (const auto& entry : fs::directory_iterator(SeedFolder() / "safetensors")) {
    EXPECT_TRUE(ParseSafetensors(AsBytes(BytesOf(entry.path())))) << entry.path();
  }
  std::size_t kind = 0;
  const auto parse = [&]<typename Record>(const Record&) {
    const std::string bytes = BytesOf(SeedFolder() / "record" / kRecordSeeds[kind++]);
    EXPECT_TRUE(DecodeRecord<Record>(AsBytes(bytes).subspan(1))) << kRecordSeeds[kind - 1];
  };
  std::apply([&](const auto&... record) { (parse(record), ...); }, SampleRecords());
}

}  // namespace
}  // namespace muster
