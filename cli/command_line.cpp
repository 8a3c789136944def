#include "cli/command_line.h"

#include <errno.h>
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cli/commands.h"
#include "cli/unknown_words.h"
#include "common/exit_codes.h"
#include "common/open_files.h"

namespace muster::cli {
namespace {

using Command = std::function<int(const Arguments&)>;

/// CLI11 alone takes -1 for the largest number there is, and calls a larger one no number.
template <typename T>
CLI::Validator Whole() {
  const auto judge = [](const std::string& text) {
    const bool digits = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    if (!digits || text.empty()) return text + " is no whole number, 0 or more";
    T number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec == std::errc()) return std::string();
    return text + " is too large; at most " + std::to_string(std::numeric_limits<T>::max());
  };
  return CLI::Validator(judge, "N");
}

/// The exit code, once all is printed: nobody may take cut output for the whole.
int Printed(ExitCode code) {
  return static_cast<int>(code == ExitCode::ok && OutputFailed() ? ExitCode::failure : code);
}

/// What --format says, before anything is parsed: a mistake elsewhere is told in this format too.
Format AskedFormat(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool next = word == "--format" && i + 1 < argc && std::string_view(argv[i + 1]) == "json";
    if (next || word == "--format=json") return Format::json;
  }
  return Format::text;
}

/// Builds the parser; remembers what is to be run.
class CommandLine {
 public:
  CommandLine();
  int Run(int argc, char** argv);

 private:
  CLI::App* Add(CLI::App& parent, const std::string& name, const std::string& what,
                const Command& command, const std::string& examples);
  void AddServing();
  void AddRoster();
  void AddLooking();
  void AddCheckpoints();
  void AddSimulate();
  void AddDoctor();
  void AddCheckpointChanges(CLI::App& checkpoints);
  void StateDir(CLI::App* app, const std::string& what);
  void StoredState(CLI::App* app, const std::string& what);
  void ConfigFile(CLI::App* app);
  void Several(CLI::App* app);
  void AcceptLoss(CLI::App* app);

  CLI::App app_{"Muster: trains one model on many machines that come and go.", "muster"};
  Arguments arguments_;
  Command command_;
};

CommandLine::CommandLine() {
  app_.require_subcommand(1);
  app_.set_version_flag("--version", VersionText());
  app_.footer(
      "Exit codes: 0 well, 1 failure, 2 usage or configuration, 3 drained (start again to go on),\n"
      "4 state in use, 5 damage, 6 split brain, 7 not enrolled or revoked, 8 superseded,\n"
      "9 disk failed or full, 10 attempts or bounds exhausted, 11 wrong job or lineage,\n"
      "12 verified, but no data for the replay, 13 the replay gave other bits.");
  AddServing();
  AddRoster();
  AddLooking();
}

CLI::App* CommandLine::Add(CLI::App& parent, const std::string& name, const std::string& what,
                           const Command& command, const std::string& examples) {
  CLI::App* app = parent.add_subcommand(name, what);
  app->footer("Examples:\n" + examples);
  const std::map<std::string, Format> formats = {{"text", Format::text}, {"json", Format::json}};
  app->add_option_function<std::string>(
         "--format",
         [this, formats](const std::string& word) { arguments_.format = formats.at(word); },
         "text or json; text if it is not given")
      ->check(CLI::IsMember(formats))
      ->type_name("FORMAT");
  app->callback([this, command] { command_ = command; });
  return app;
}

void CommandLine::StateDir(CLI::App* app, const std::string& what) {
  app->add_option("--state-dir", arguments_.state_dir, what)->type_name("DIR")->required();
}

/// A coordinator's state directory, which may be encrypted.
void CommandLine::StoredState(CLI::App* app, const std::string& what) {
  StateDir(app, what);
  app->add_option("--key-file", arguments_.key_file,
                  "The key of an encrypted state; the environment's MUSTER_STATE_KEY if not given")
      ->type_name("FILE");
}

void CommandLine::ConfigFile(CLI::App* app) {
  app->add_option("CONFIG", arguments_.config, "The TOML file; `muster config` lists all keys")
      ->required();
  app->add_option("--set", arguments_.sets, "KEY=VALUE, over what the file says; may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
}

void CommandLine::Several(CLI::App* app) {
  app->add_option("--count", arguments_.count,
                  "N participants NAME-00, NAME-01, ..., each with DIR/NAME-xx")
      ->type_name("N")
      ->check(CLI::Range(1U, 65536U));
  app->add_option("--first", arguments_.first, "Number of the first of them")
      ->type_name("K")
      ->check(Whole<std::uint32_t>());
}

void CommandLine::AcceptLoss(CLI::App* app) {
  app->add_flag("--accept-loss", arguments_.accept_loss,
                "If what is stored is damaged, go on from the last good version in a new lineage; "
                "without this flag damage ends with exit code 5 and says what would be lost");
}

void CommandLine::AddServing() {
  CLI::App* run =
      Add(app_, "run", "Run a whole federation on this machine as real processes", RunRun,
          "  muster run configs/demo.toml\n"
          "  muster run configs/mnist-2nn.toml --set data.dir=/data/mnist\n"
          "  muster run configs/demo.toml --state-dir /tmp/demo --format json\n"
          "  muster run configs/demo.toml --accept-loss");
  ConfigFile(run);
  AcceptLoss(run);
  run->add_option("--state-dir", arguments_.state_dir,
                  "Where everything is kept; ./muster-state/JOB if it is not given")
      ->type_name("DIR");

  CLI::App* coordinator =
      Add(app_, "coordinator", "Run the coordinator alone", RunCoordinatorCommand,
          "  muster coordinator job.toml --state-dir coordinator \\\n"
          "      --set coordinator.listen=tcp://0.0.0.0:7000 \\\n"
          "      --set coordinator.bulk_listen=tcp://0.0.0.0:7001\n"
          "  muster coordinator job.toml --state-dir coordinator \\\n"
          "      --set checkpoint.key_file=state.key");
  ConfigFile(coordinator);
  StateDir(coordinator, "Where the coordinator keeps everything");
  AcceptLoss(coordinator);
  coordinator->add_flag("--quiet", arguments_.quiet, "Say only how it ended, not each round");

  CLI::App* participant = Add(
      app_, "participant", "Run one participant, or several in one process", RunParticipantCommand,
      "  muster participant --name site-1 --state-dir site-1 --connect tcp://host:7000 \\\n"
      "      --connect-bulk tcp://host:7001 --server-key coordinator.pub\n"
      "  muster participant --name site --count 4 --state-dir sites \\\n"
      "      --endpoints coordinator/endpoints.json");
  participant->add_option("--name", arguments_.name, "The enrolled name")->required();
  StateDir(participant, "Where it keeps its key, its update and its position");
  Several(participant);
  participant->add_option("--endpoints", arguments_.endpoints, "The coordinator's endpoints.json")
      ->type_name("FILE");
  participant->add_option("--connect", arguments_.connect, "The coordinator's control address");
  participant->add_option("--connect-bulk", arguments_.connect_bulk, "Its bulk address");
  participant->add_option("--server-key", arguments_.server_key, "Its public key, file or text");
  participant->add_option("--data-dir", arguments_.data_dir, "idx: the folder of the four files")
      ->type_name("DIR");
  participant->add_option("--threads", arguments_.threads, "Fits at a time; 1 if it is not given")
      ->check(CLI::Range(1U, 256U));
}

void CommandLine::AddRoster() {
  CLI::App* keygen = Add(app_, "keygen", "Make a participant's key pair, unless it has one",
                         RunKeygen, "  muster keygen --state-dir site-1");
  StateDir(keygen, "The participant's directory: participant.key and participant.pub");
  keygen->add_option("--name", arguments_.name, "The names' beginning; --count needs it");
  Several(keygen);

  CLI::App* enroll = app_.add_subcommand("enroll", "Say who may take part");
  enroll->require_subcommand(1);
  enroll->footer(
      "Examples:\n  muster enroll ls --state-dir coordinator\n  muster enroll add --help");
  const std::string state = "The coordinator's directory; it may run or not";
  CLI::App* add = Add(*enroll, "add", "Enrol a participant, or give it a new key", RunEnrollAdd,
                      "  muster enroll add site-1 --key site-1/participant.pub --state-dir "
                      "coordinator");
  add->add_option("NAME", arguments_.name, "The name to enrol")->required();
  add->add_option("--key", arguments_.key, "Its public key: the file, or its 40 characters")
      ->required();
  StoredState(add, state);
  CLI::App* remove = Add(*enroll, "remove", "Revoke a participant, on live connections too",
                         RunEnrollRemove, "  muster enroll remove site-1 --state-dir coordinator");
  remove->add_option("NAME", arguments_.name, "The name to revoke")->required();
  StoredState(remove, state);
  StoredState(Add(*enroll, "ls", "List the roster", RunEnrollLs,
                  "  muster enroll ls --state-dir coordinator"),
              state);
}

void CommandLine::AddLooking() {
  const std::string state = "The coordinator's directory";
  StoredState(Add(app_, "status", "Say what a federation does and what it waits for", RunStatus,
                  "  muster status --state-dir muster-state/demo\n"
                  "  muster status --state-dir muster-state/demo --format json"),
              state);
  AddCheckpoints();
  AddSimulate();
  CLI::App* data = app_.add_subcommand("data", "Look at a job's data");
  data->require_subcommand(1);
  data->footer("Examples:\n  muster data show configs/demo.toml");
  CLI::App* split = Add(*data, "show", "Print which part holds how many examples of each label",
                        RunData, "  muster data show configs/demo.toml");
  ConfigFile(split);
  split->add_option("--rows", arguments_.rows, "Parts to print; 20 if it is not given")
      ->check(Whole<std::uint32_t>());
  Add(app_, "config", "List every key of the configuration", RunConfig, "  muster config");
  CLI::App* plot = Add(app_, "plot", "Draw the accuracy by round as text", RunPlot,
                       "  muster plot --state-dir muster-state/demo\n"
                       "  muster plot --metrics metrics.jsonl");
  auto* plot_state = plot->add_option("--state-dir", arguments_.state_dir, state);
  auto* plot_file = plot->add_option("--metrics", arguments_.metrics, "An event log");
  plot_state->excludes(plot_file);
  plot->require_option(1, 2);
  AddDoctor();
  Add(app_, "version", "Print the version of this program", RunVersion, "  muster version");
}

void CommandLine::AddCheckpoints() {
  const std::string state = "The coordinator's directory";
  CLI::App* checkpoints =
      app_.add_subcommand("checkpoints", "Look at the committed versions, or go back to one");
  checkpoints->require_subcommand(1);
  checkpoints->footer(
      "Examples:\n  muster checkpoints ls --state-dir muster-state/demo\n"
      "  muster checkpoints export --help");
  StoredState(Add(*checkpoints, "ls", "List all versions", RunCheckpointsLs,
                  "  muster checkpoints ls --state-dir muster-state/demo"),
              state);
  CLI::App* show =
      Add(*checkpoints, "show", "Show one version, its updates and tensors", RunCheckpointsShow,
          "  muster checkpoints show --version 3 --state-dir muster-state/demo");
  show->add_option("--version", arguments_.version, "Which one; the newest if it is not given")
      ->check(Whole<std::uint64_t>());
  StoredState(show, state);
  CLI::App* exporting =
      Add(*checkpoints, "export", "Write a version's model as safetensors", RunCheckpointsExport,
          "  muster checkpoints export --output model.safetensors --state-dir muster-state/demo");
  exporting->add_option("--version", arguments_.version, "Which one; the newest if not given")
      ->check(Whole<std::uint64_t>());
  exporting->add_option("--output", arguments_.output, "The file to write")->required();
  StoredState(exporting, state);
  CLI::App* verify = Add(*checkpoints, "verify", "Read everything that is stored and check it",
                         RunCheckpointsVerify,
                         "  muster checkpoints verify --state-dir muster-state/demo\n"
                         "  muster checkpoints verify --replay --state-dir muster-state/demo");
  auto* replay = verify->add_flag("--replay", arguments_.replay,
                                  "Train and fold every version again and compare the digests");
  verify
      ->add_option("--data-dir", arguments_.data_dir, "The data files, for --replay of such a job")
      ->type_name("DIR")
      ->needs(replay);
  StoredState(verify, state);
  AddCheckpointChanges(*checkpoints);
}

void CommandLine::AddCheckpointChanges(CLI::App& checkpoints) {
  CLI::App* rollback =
      Add(checkpoints, "rollback", "Commit the content of an older version as a new version",
          RunCheckpointsRollback,
          "  muster checkpoints rollback --version 5 --state-dir muster-state/demo");
  rollback->add_option("--version", arguments_.version, "Whose content; it must be held")
      ->check(Whole<std::uint64_t>())
      ->required();
  StoredState(rollback, "The coordinator's directory; it must not run");
  CLI::App* restore =
      Add(checkpoints, "restore", "Make a state directory of its mirror, once it is lost",
          RunCheckpointsRestore,
          "  muster checkpoints restore --from /backup/muster --state-dir coordinator");
  restore->add_option("--from", arguments_.from, "The mirror: what checkpoint.mirror named")
      ->type_name("DIR")
      ->required();
  StoredState(restore, "The directory to make; it must hold no state");
  CLI::App* rekey =
      Add(checkpoints, "rekey", "Give an encrypted state another key", RunCheckpointsRekey,
          "  (umask 077; openssl rand -hex 32 > new.key)\n"
          "  muster checkpoints rekey --state-dir coordinator --key-file old.key \\\n"
          "      --new-key-file new.key");
  rekey->add_option("--new-key-file", arguments_.new_key_file, "The key that opens it from now on")
      ->type_name("FILE")
      ->required();
  StoredState(rekey, "The coordinator's directory, or its mirror; it must not run");
}

void CommandLine::AddDoctor() {
  CLI::App* doctor =
      Add(app_, "doctor", "Say what this machine is, and what can be combined", RunDoctor,
          "  muster doctor\n"
          "  muster doctor --dir /var/lib/muster\n"
          "  muster doctor --matrix\n"
          "  muster doctor --matrix --format json");
  auto* matrix = doctor->add_flag("--matrix", arguments_.matrix,
                                  "Print which modes, strategies and ways to accept, to lease data "
                                  "and to select go together, and why the others do not");
  doctor
      ->add_option("--dir", arguments_.dir,
                   "Look at the volume of this directory too: its room, and whether what is synced "
                   "stays; writes 128 KiB there and removes it")
      ->type_name("DIR")
      ->excludes(matrix);
}

void CommandLine::AddSimulate() {
  CLI::App* simulate = Add(
      app_, "simulate", "Break whole federations in virtual time, each drawn from one seed",
      RunSimulate,
      "  muster simulate --seeds 1..1000\n"
      "  muster simulate --seed 7 --story\n"
      "  muster simulate --seed 7 --shrink --out seed-7.schedule\n"
      "  muster simulate --replay seed-7.schedule --story\n"
      "  muster simulate --seeds 1..100 --store rocksdb\n"
      "Exit codes: 0 every seed is clean, 20 crash, 21 liveness, 22 correctness,\n"
      "23 two runs of one seed differ, 24 a reachable cell of the fault table stays empty or a\n"
      "checker never looks;\n"
      "130 or 143 after SIGINT or SIGTERM: a swarm ends the seeds that run and prints what was\n"
      "found and how to go on, --shrink writes the smallest schedule so far.");
  auto* which = simulate->add_option_group("What to run", "One of these");
  which->add_option("--seed", arguments_.seed, "This seed")->check(Whole<std::uint64_t>());
  auto* seeds = which->add_option("--seeds", arguments_.seeds, "All of these seeds")
                    ->type_name("FIRST..LAST");
  auto* replay = which->add_option("--replay", arguments_.schedule, "The run of this schedule file")
                     ->type_name("FILE");
  which->require_option(1);
  auto* config = simulate
                     ->add_option("--config", arguments_.config,
                                  "TOML with those options that are not to be drawn")
                     ->type_name("FILE");
  simulate
      ->add_option("--store", arguments_.store,
                   "What the state lies on: model (fast) or rocksdb; model if not given")
      ->check(CLI::IsMember({"model", "rocksdb"}))
      ->type_name("STORE");
  simulate->add_option("--jobs", arguments_.jobs, "Seeds at a time; as many as there are cores")
      ->check(CLI::Range(1U, 256U))
      ->needs(seeds);
  auto* shrink = simulate
                     ->add_flag("--shrink", arguments_.shrink,
                                "If it fails, look for the smallest run that fails alike")
                     ->excludes(seeds);
  simulate
      ->add_option("--out", arguments_.output,
                   "Write its schedule here; seed-N.schedule if not given")
      ->type_name("FILE")
      ->needs(shrink);
  simulate->add_flag("--story", arguments_.story, "Say who did what when")->excludes(seeds);
  replay->excludes(config);
}

int CommandLine::Run(int argc, char** argv) {
  const Format format = AskedFormat(argc, argv);
  const std::span<char* const> words(argv + 1, static_cast<std::size_t>(std::max(argc - 1, 0)));
  if (const auto unknown = UnknownCommand(app_, words)) return Fail(*unknown, format);
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool well = error.get_exit_code() == 0;  // --help comes this way, too.
    if (const auto unknown = well ? std::nullopt : UnknownOption(app_)) {
      return Fail(*unknown, format);
    }
    if (!well && format == Format::json) {
      return Fail({Reason::flag_invalid, error.what()}, format);
    }
    std::ostringstream help;
    app_.exit(error, help);
    Print(help.str());
    return Printed(well ? ExitCode::ok : ExitCode::usage);
  }
  const int code = command_(arguments_);
  // What these serve counts more than what they say of it on the way.
  const bool serves = app_.got_subcommand("coordinator") || app_.got_subcommand("participant");
  return serves ? code : Printed(static_cast<ExitCode>(code));
}

}  // namespace

int RunCommandLine(int argc, char** argv) {
  // A child started through /proc/self/exe would be called "exe" in ps and top.
  ::prctl(PR_SET_NAME, program_invocation_short_name);
  RaiseOpenFileLimit();
  return CommandLine().Run(argc, argv);
}

}  // namespace muster::cli
