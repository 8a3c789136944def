// What a simulated federation costs: milliseconds of processor time a seed and events a second of
// it, on the model of the store and on the real one. federation_bench [SEEDS] [participants]
// [rounds] [parameters]
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>

#include "simulator/federation/federation.h"
#include "simulator/store/model_volume.h"

namespace {

using namespace muster;             // NOLINT: a program of its own.
using namespace muster::simulator;  // NOLINT

constexpr Micros kPatience = 3'600'000 * kMillisecond;

struct Size {
  std::uint64_t seeds = 200;
  std::uint32_t participants = 10;
  Round rounds = 12;
  std::uint64_t parameters = 200;
};

CoordinatorSetup SetupOf(const Size& size, const std::string& state_dir) {
  CoordinatorSetup setup;
  setup.job.model.kind = ModelKind::synthetic;
  setup.job.model.hidden = {};
  setup.job.model.parameters = size.parameters;
  setup.job.data.source = DataSource::none;
  setup.job.data.parts = size.participants;
  setup.job.round.goal = size.participants;
  setup.job.round.quorum = size.participants;
  setup.options.rounds = size.rounds;
  setup.options.deadline_ms = 60'000;
  setup.options.lease_ms = 2'000;
  setup.roster = MakeRoster(size.participants);
  setup.state_dir = state_dir;
  setup.upkeep = checkpoint::Upkeep::by_hand;
  return setup;
}

void Measure(const char* name, const Size& size, const Faults& faults, bool model) {
  const std::string state_dir =
      (std::filesystem::temp_directory_path() / "federation_bench").string();
  std::uint64_t events = 0, messages = 0;
  Micros virtual_time = 0;
  const std::clock_t begin = std::clock();
  for (std::uint64_t seed = 1; seed <= size.seeds; ++seed) {
    const CoordinatorSetup setup = SetupOf(size, state_dir);
    std::shared_ptr<StateVolume> volume;
    if (model) {
      volume = std::make_shared<ModelVolume>(seed);
    } else {
      volume = std::make_shared<DiskVolume>(std::make_shared<VirtualDisk>(seed), state_dir,
                                            setup.upkeep, StateKey());
    }
    Federation federation(World(seed, faults), std::move(volume), setup);
    const RunResult run = federation.Run(kPatience);
    for (const std::string& violation : run.violations) std::printf("%s\n", violation.c_str());
    events += run.happened.events;
    messages += run.happened.messages;
    virtual_time += run.ended_at;
  }
  const double took = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  const auto seeds = static_cast<double>(size.seeds);
  std::printf("%-22s %8.2f ms a seed, %6.0f events, %6.0f messages, %9.0f events/s, %8.0f : 1\n",
              name, took * 1e3 / seeds, static_cast<double>(events) / seeds,
              static_cast<double>(messages) / seeds, static_cast<double>(events) / took,
              static_cast<double>(virtual_time) * 1e-6 / took);
}

}  // namespace

int main(int argc, char** argv) {
  Size size;
  if (argc > 1) size.seeds = std::stoull(argv[1]);
  if (argc > 2) size.participants = static_cast<std::uint32_t>(std::stoul(argv[2]));
  if (argc > 3) size.rounds = std::stoull(argv[3]);
  if (argc > 4) size.parameters = std::stoull(argv[4]);
  const Faults disturbed{.chances = {{FaultKind::duplicate, 0.02},
                                     {FaultKind::cut, 0.005},
                                     {FaultKind::crash, 0.002},
                                     {FaultKind::stop, 0.0005}},
                         .deaths_max = 5};
  Measure("model, undisturbed", size, {}, true);
  Measure("model, disturbed", size, disturbed, true);
  size.seeds = size.seeds / 20 + 1;
  Measure("real, undisturbed", size, {}, false);
  Measure("real, disturbed", size, disturbed, false);
}
