// The command line of `muster`: which words there are and what they mean.
#pragma once

namespace muster::cli {

/// All that the program `muster` does: names the process, raises its limit of open files, parses,
/// runs the subcommand and returns the exit code (exit_codes.h). What it starts are further
/// processes of this very program, which is why a program that registers strategies of its own
/// calls it as the last thing in its main function, whatever the arguments. Once in a process.
int RunCommandLine(int argc, char** argv);

}  // namespace muster::cli
