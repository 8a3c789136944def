#include "muster/cli/command_line.h"

int main(int argc, char** argv) { return muster::cli::RunCommandLine(argc, argv); }
