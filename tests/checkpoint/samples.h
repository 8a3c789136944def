// Records with every field set, different for different arguments.
#pragma once

#include <cstdint>

#include "common/bytes.h"
#include "protocol/records.h"

namespace muster {

UpdateId SampleId(std::uint32_t salt);
JobRecord SampleJob();
RosterEntry SampleRosterEntry(RosterIndex index);
OpenRound SampleOpenRound(Round round);
AcceptedUpdate SampleAccepted(std::uint32_t salt);
RoundRecord SampleRoundRecord(Version version);
UpdateFate SampleFate(Slot slot, Version version);
EvaluationRecord SampleEvaluation(Version version);
/// The bytes of a version, which no other version shares.
Bytes SampleContents(Version version, std::size_t size);
/// Of one tensor "weights" with those bytes and a right digest. REQUIRES: a multiple of 64 bytes.
VersionManifest SampleManifest(Version version, ByteSpan contents);

}  // namespace muster
