// SIGINT and SIGTERM for commands that stop between two pieces of their work and say how far they
// came.
#pragma once

namespace muster::cli {

/// From now on the first SIGINT or SIGTERM is only noted; the next one of either ends the process,
/// as both do by default. Process-wide; children inherit it. One that is ignored stays ignored.
void NoteStopSignals();

/// The signal that was noted, or 0. Any thread may ask.
int StopSignal();

/// What a shell shows for a process that this signal ended.
constexpr int ExitCodeOfSignal(int number) { return 128 + number; }

}  // namespace muster::cli
