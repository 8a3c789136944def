#include <sys/prctl.h>

#include "cli/command_line.h"
#include "common/open_files.h"

int main(int argc, char** argv) {
  // A child started through /proc/self/exe would be called "exe" in ps and top.
  ::prctl(PR_SET_NAME, "muster");
  muster::RaiseOpenFileLimit();
  return muster::cli::RunCommandLine(argc, argv);
}
