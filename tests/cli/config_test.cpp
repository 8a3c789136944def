#include "cli/config.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "cli/config_keys.h"

namespace muster::cli {
namespace {

/// A job that all tests below change in one place. Three lines: added ones begin at line 4.
constexpr std::string_view kBase =
    "data.train_examples = 1000\n"
    "data.test_examples = 100\n"
    "[round]\n";

constexpr std::string_view kElastic =
    "data.train_examples = 1000\n"
    "data.test_examples = 100\n"
    "data.access = \"elastic\"\n"
    "data.block_examples = 10\n"
    "[round]\n"
    "select_from = \"present\"\n"
    "goal = 4\n";

Result<Config> Parse(const std::string& text, const std::vector<std::string>& sets = {}) {
  Result<std::vector<Setting>> settings = ReadToml(text, "a.toml");
  if (!settings) return settings.error();
  for (const std::string& set : sets) {
    Result<Setting> setting = ParseSet(set);
    if (!setting) return setting.error();
    settings->push_back(*setting);
  }
  return BuildConfig("a.toml", *settings);
}

std::string ErrorOf(const std::string& added, const std::vector<std::string>& sets = {}) {
  const Result<Config> config = Parse(std::string(kBase) + added, sets);
  return config ? "accepted" : config.error().message;
}

TEST(Config, UnknownKeyNamesFileLineAndTheNearestKey) {
  EXPECT_EQ(ErrorOf("gaol = 3"), "a.toml:4: unknown key `round.gaol`; did you mean `round.goal`?");
  EXPECT_EQ(ErrorOf("\n[rond]\ngoal = 3"),
            "a.toml:6: unknown key `rond.goal`; did you mean `round.goal`?");
  EXPECT_EQ(ErrorOf("rounds = 3"),
            "a.toml:4: unknown key `round.rounds`; did you mean `job.rounds`?");
  EXPECT_EQ(ErrorOf("[zebra]"), "a.toml:4: unknown key `zebra`; `muster config` lists all keys");
  EXPECT_EQ(ErrorOf("[round.goal.x]\ny=1"),
            "a.toml:5: unknown key `round.goal.x.y`; did you mean `round.goal`?");
}

TEST(Config, WrongTypeNamesWhatWasFound) {
  EXPECT_EQ(ErrorOf("goal = \"ten\""),
            "a.toml:4: `round.goal` must be an integer, not the string \"ten\"");
  EXPECT_EQ(ErrorOf("goal = 3.0"), "a.toml:4: `round.goal` must be an integer, not the number 3");
  EXPECT_EQ(ErrorOf("goal = true"), "a.toml:4: `round.goal` must be an integer, not true");
  EXPECT_EQ(ErrorOf("goal = 2020-01-01"),
            "a.toml:4: `round.goal` must be an integer, not a date or time");
  EXPECT_EQ(ErrorOf("over_select = []"),
            "a.toml:4: `round.over_select` must be a number, not a list");
  EXPECT_EQ(ErrorOf("mode = 1"),
            "a.toml:4: `round.mode` must be one of \"fedavg\" | \"sync-sgd\" | \"async\" | "
            "\"diloco\", not the integer 1");
  EXPECT_EQ(
      ErrorOf("[model]\nhidden = [1, \"a\"]"),
      "a.toml:5: `model.hidden` must be a list of integers, not a list with other things than "
      "integers");
  EXPECT_EQ(ErrorOf("[train]\nbatch_size = \"some\""),
            "a.toml:5: `train.batch_size` must be an integer or \"all\", not the string \"some\"");
}

TEST(Config, SectionThatIsNoTableIsRefused) {
  const auto error_of = [](const std::string& text) {
    const Result<Config> config = Parse("data.train_examples = 1000\n" + text);
    return config ? "accepted" : config.error().message;
  };
  EXPECT_EQ(error_of("[[job]]\nrounds = 3"), "a.toml:2: `job` must be a table");
  EXPECT_EQ(error_of("round = 2020-01-01"), "a.toml:2: `round` must be a table");
  EXPECT_EQ(error_of("job = [1.5]"), "a.toml:2: `job` must be a table");
  EXPECT_EQ(error_of("job = []"), "a.toml:2: `job` must be a table");
  EXPECT_EQ(error_of("job = 3"), "a.toml:2: `job` must be a table");
  EXPECT_EQ(ErrorOf("", {"job=3"}), "--set job=3: `job` must be a table");
  EXPECT_EQ(ErrorOf("", {"job={rounds=3}"}),
            "--set job={rounds=3}: set one key at a time, as in --set round.goal=8");
}

TEST(Config, EmptySectionSaysNothing) {
  EXPECT_EQ(ErrorOf("[job]\n[model]"), "accepted");
  EXPECT_EQ(ErrorOf("[round.goal]"),
            "a.toml:4: `round.goal` must be an integer, not an empty table");
}

TEST(Config, ImpossiblePortIsRefused) {
  const auto error_of = [](const std::string& address) {
    return ErrorOf("", {"coordinator.listen=" + address});
  };
  EXPECT_EQ(error_of("tcp://127.0.0.1:65535"), "accepted");
  EXPECT_EQ(error_of("tcp://[::1]:0"), "accepted");
  for (const std::string port : {"65536", "99999", "99999999999999999999"}) {
    EXPECT_TRUE(error_of("tcp://127.0.0.1:" + port).ends_with("\"; ports go up to 65535"))
        << error_of("tcp://127.0.0.1:" + port);
  }
  for (const std::string port : {"", "-1", "+1", "7000x", "0x10", " 1"}) {
    EXPECT_TRUE(error_of("tcp://127.0.0.1:" + port).ends_with("kept from then on)")) << port;
  }
  EXPECT_TRUE(error_of("tcp://:7000").ends_with("kept from then on)"));
}

TEST(Config, OneAddressForBothChannelsIsRefused) {
  const auto error_of = [](const std::string& bulk) {
    return ErrorOf("",
                   {"coordinator.listen=tcp://127.0.0.1:7000", "coordinator.bulk_listen=" + bulk});
  };
  EXPECT_EQ(error_of("tcp://127.0.0.1:7001"), "accepted");
  EXPECT_EQ(error_of("tcp://127.0.0.1:7000"),
            "--set coordinator.bulk_listen=tcp://127.0.0.1:7000: `coordinator.bulk_listen` is "
            "tcp://127.0.0.1:7000, as coordinator.listen is: each needs a port of its own");
}

TEST(Config, AdaptiveDeadlineOfElasticDataIsRefused) {
  const auto error_of = [&](const std::string& set) {
    const Result<Config> config = Parse(std::string(kElastic), {set});
    return config ? "accepted" : config.error().message;
  };
  EXPECT_EQ(error_of("round.deadline=fixed"), "accepted");
  EXPECT_EQ(error_of("round.deadline=adaptive"),
            "--set round.deadline=adaptive: `round.deadline` is \"adaptive\" and data.access is "
            "\"elastic\": a round gives one participant several blocks, and a deadline only passes "
            "leases on; take \"fixed\"");
}

TEST(Config, ElasticDataTakesAnyNumberOfParticipants) {
  EXPECT_EQ(Parse(std::string(kElastic))->run.participants, 4U);
  for (const std::string count : {"1", "3", "40"}) {
    const Result<Config> config = Parse(std::string(kElastic), {"run.participants=" + count});
    EXPECT_TRUE(config.has_value()) << config.error().message;
  }
}

TEST(Config, BatchOfNoExamplesIsRefused) {
  for (const std::string size : {"0", "-1", "4294967296"}) {
    EXPECT_EQ(ErrorOf("[train]\nbatch_size = " + size),
              "a.toml:5: `train.batch_size` is " + size +
                  "; it must lie between 1 and 4294967295, or be \"all\"");
  }
  EXPECT_EQ(ErrorOf("[train]\nbatch_size = 1"), "accepted");
}

TEST(Config, ImpossibleValueNamesItsLimits) {
  EXPECT_EQ(ErrorOf("[job]\nrounds = 0"),
            "a.toml:5: `job.rounds` is 0; it must lie between 1 and 1000000000");
  EXPECT_EQ(ErrorOf("goal = -1"),
            "a.toml:4: `round.goal` is -1; it must lie between 0 and 4294967295");
  EXPECT_EQ(ErrorOf("over_select = inf"), "a.toml:4: `round.over_select` must be a finite number");
  EXPECT_EQ(ErrorOf("deadline_s = 0"),
            "a.toml:4: `round.deadline_s` is 0 s; it must lie between 0.1 and 2592000");
  EXPECT_EQ(ErrorOf("select_from = \"enroled\""),
            "a.toml:4: `round.select_from` is \"enroled\"; did you mean \"enrolled\"?");
  EXPECT_EQ(
      ErrorOf("select_from = \"all\""),
      "a.toml:4: `round.select_from` is \"all\"; it must be one of \"enrolled\" | \"present\"");
  EXPECT_EQ(ErrorOf("[job]\ntarget_accuracy = 97"),
            "a.toml:5: `job.target_accuracy` is 97; it must be above 0 and at most 1");
  EXPECT_EQ(ErrorOf("[coordinator]\nlisten = \"localhost\""),
            "a.toml:5: `coordinator.listen` is \"localhost\"; write tcp://ADDRESS:PORT (port 0: a "
            "free one, kept from then on)");
  EXPECT_EQ(ErrorOf("[run]\nnames = \"../x\""),
            "a.toml:5: `run.names` is \"../x\"; a name has 1 to 64 letters, digits, '.', '_' and "
            "'-', the first of them a letter or a digit");
  EXPECT_EQ(ErrorOf("[model]\nhidden = [0]"), "a.toml:5: `model.hidden` has a layer of 0 units");
}

TEST(Config, ImpossibleCombinationNamesTheKeyWhereItStands) {
  EXPECT_EQ(ErrorOf("goal = 3\nquorum = 5"),
            "a.toml:5: `round.quorum` is 5; it must lie between 1 and 3");
  EXPECT_EQ(ErrorOf("goal = 20"),
            "a.toml:4: `round.goal` is 20, but only data.parts = 10 participants can have work");
  EXPECT_EQ(
      ErrorOf("[run]\nparticipants = 11"),
      "a.toml:5: `run.participants` is 11, but data.parts = 10: there would be no data for the "
      "others");
  EXPECT_EQ(ErrorOf("[run]\nparticipants = 9"),
            "a.toml:5: `run.participants` is 9, fewer than round.quorum = 10: no round could ever "
            "close");
  // In async one participant may have several updates in a version.
  const Result<Config> async = Parse(std::string(kBase) +
                                     "mode = \"async\"\nselect_from = \"present\"\n"
                                     "[run]\nparticipants = 9");
  EXPECT_TRUE(async.has_value()) << async.error().Text();
  // A default that does not fit is nobody's line.
  const Result<Config> empty = Parse("");
  ASSERT_FALSE(empty.has_value());
  EXPECT_TRUE(empty.error().message.starts_with("a.toml: `data.train_examples` is 0;"))
      << empty.error().message;
}

TEST(Config, SyntaxErrorNamesItsLine) {
  EXPECT_TRUE(ErrorOf("goal = = 3").starts_with("a.toml:4: ")) << ErrorOf("goal = = 3");
  EXPECT_TRUE(ErrorOf("goal = 3\ngoal = 4").starts_with("a.toml:5: "));
}

TEST(Config, TheFirstWrongLineIsReported) {
  EXPECT_EQ(ErrorOf("zz = 1\naa = 1").substr(0, 9), "a.toml:4:");
}

TEST(Config, SetOverridesTheFileAndTheLastOneWins) {
  const auto config = Parse(std::string(kBase) + "goal = 3", {"round.goal=4", "round.goal=5"});
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->job.round.goal, 5U);
}

TEST(Config, SetTakesTomlValuesAndBareWords) {
  const auto config =
      Parse(std::string(kBase), {"job.name=night", "data.dir=/data/my mnist", "model.hidden=[8, 4]",
                                 "train.learning_rate=1e-2", "data.partition=\"shards\"",
                                 "coordinator.listen=tcp://0.0.0.0:7000", "train.batch_size=all"});
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->job.name, "night");
  EXPECT_EQ(config->data.dir, "/data/my mnist");
  EXPECT_EQ(config->job.model.hidden, (std::vector<std::uint32_t>{8, 4}));
  EXPECT_EQ(config->job.train.learning_rate, 0.01);
  EXPECT_EQ(config->job.data.partition, Partition::shards);
  EXPECT_EQ(config->listen, "tcp://0.0.0.0:7000");
  EXPECT_EQ(config->job.train.batch_size, 0U);
}

TEST(Config, SetIsAsStrictAsTheFile) {
  EXPECT_EQ(ErrorOf("", {"round.gaol=3"}),
            "--set round.gaol=3: unknown key `round.gaol`; did you mean `round.goal`?");
  EXPECT_EQ(ErrorOf("", {"round.goal=3x"}),
            "--set round.goal=3x: `round.goal` must be an integer, not the string \"3x\"");
  EXPECT_EQ(ErrorOf("goal = 3", {"round.quorum=4"}),
            "--set round.quorum=4: `round.quorum` is 4; it must lie between 1 and 3");
  EXPECT_EQ(ErrorOf("", {"round.goal"}),
            "--set round.goal: write KEY=VALUE, as in --set round.goal=8");
  EXPECT_EQ(ErrorOf("", {"round.goal=3\nquorum=1"}).substr(0, 5), "--set");
}

TEST(Config, QuorumAndParticipantsFollowFromOtherKeys) {
  const auto config = Parse(std::string(kBase) + "goal = 4");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->job.round.quorum, 4U);
  EXPECT_EQ(config->run.participants, 10U);
  EXPECT_TRUE(config->core.evaluate);
}

TEST(Config, SecondsBecomeMilliseconds) {
  const auto config = Parse(std::string(kBase) + "deadline_s = 2.5");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->core.deadline_ms, 2500);
}

TEST(Config, ADeadlineAdaptsWhereTheConfigSaysSo) {
  const auto fixed = Parse(std::string(kBase));
  ASSERT_TRUE(fixed.has_value()) << fixed.error().message;
  EXPECT_EQ(fixed->core.deadline, coordinator::DeadlineKind::fixed);
  const auto config = Parse(std::string(kBase) + "deadline = \"adaptive\"\ndeadline_k = 2.5");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->core.deadline, coordinator::DeadlineKind::adaptive);
  EXPECT_EQ(config->core.deadline_k_milli, 2500);
  for (const std::string k : {"-1", "1001"}) {
    const std::string error = ErrorOf("deadline = \"adaptive\"\ndeadline_k = " + k);
    EXPECT_NE(error.find("between 0 and"), std::string::npos) << error;
  }
  EXPECT_FALSE(Parse(std::string(kBase) + "deadline = \"adaptiv\"").has_value());
}

TEST(Config, AFixedDeadlineTakesNoK) {
  EXPECT_EQ(ErrorOf("deadline_k = 2.5"),
            "a.toml:4: `round.deadline_k` is for round.deadline = \"adaptive\" only");
  EXPECT_EQ(ErrorOf("deadline = \"fixed\"\ndeadline_k = 2.5"),
            "a.toml:5: `round.deadline_k` is for round.deadline = \"adaptive\" only");
}

TEST(Config, RenderedConfigIsTheSameConfig) {
  const auto config = Parse(std::string(kBase) + "goal = 4\ndeadline_s = 2.5",
                            {"job.target_accuracy=0.9", "data.dir=a\"b\\c", "model.hidden=[3]",
                             "train.batch_size=all", "train.learning_rate=0.1"});
  ASSERT_TRUE(config.has_value()) << config.error().message;
  const std::string text = RenderConfig(*config);
  const auto again = Parse(text);
  ASSERT_TRUE(again.has_value()) << again.error().message << "\n" << text;
  EXPECT_EQ(RenderConfig(*again), text);
  EXPECT_EQ(JobDigest(again->job), JobDigest(config->job));
  EXPECT_EQ(again->data.dir, "a\"b\\c");
  EXPECT_EQ(again->core.target_accuracy, 0.9);
}

TEST(ConfigKeys, EveryKeyIsNamedOnceDocumentedAndRoundTripsItsDefault) {
  std::set<std::string> names;
  for (const ConfigKey& key : ConfigKeys()) {
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
    EXPECT_TRUE(key.meaning.ends_with('.')) << key.name;
    EXPECT_FALSE(DefaultText(key).empty()) << key.name;
    const std::string value = key.get(Config());
    if (value.empty() || value == "0" || value == "\"\"") continue;
    const auto setting = ParseSet(key.name + "=" + value);
    ASSERT_TRUE(setting.has_value());
    Config config;
    const Status set = key.set(config, setting->value);
    EXPECT_TRUE(set.has_value()) << key.name << " = " << value;
    EXPECT_EQ(key.get(config), value);
  }
}

}  // namespace
}  // namespace muster::cli
