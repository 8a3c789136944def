// Effects and messages as one readable line each: for transcripts and debug logs.
#pragma once

#include <string>

#include "coordinator/core/effects.h"
#include "protocol/messages.h"

namespace muster::coordinator {

std::string DescribeMessage(const Message& message);
std::string DescribeMutation(const Mutation& mutation);
std::string DescribeEffect(const Effect& effect);
std::string_view NoticeKindName(NoticeKind kind);

}  // namespace muster::coordinator
