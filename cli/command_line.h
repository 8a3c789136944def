// The command line of `muster`: which words there are and what they mean.
#pragma once

namespace muster::cli {

/// Parses, runs the subcommand, returns the exit code (exit_codes.h).
int RunCommandLine(int argc, char** argv);

}  // namespace muster::cli
