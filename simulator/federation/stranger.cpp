#include "simulator/federation/stranger.h"

#include <utility>

#include "common/limits.h"
#include "simulator/federation/corruption.h"

namespace muster::simulator {
namespace {

constexpr std::uint64_t kWordsMost = 6;
constexpr std::byte kKeyByte{0xee};

}  // namespace

Stranger::Stranger(World& world, Network& network, std::uint32_t number,
                   std::vector<std::string> names)
    : world_(world), network_(network), actor_(StrangerActor(number)) {
  key_.bytes.fill(kKeyByte);
  key_.bytes.front() = static_cast<std::byte>(number);
  known_.names = std::move(names);
}

void Stranger::Start() {
  network_.Overhear();
  Turn();
}

void Stranger::Turn() {
  if (link_ != 0) network_.Close(std::exchange(link_, 0));
  if (const auto value = world_.Ask(FaultKind::stranger, actor_)) Knock(*value);
  world_.At(world_.now() + kTurnEvery, actor_, [this] { Turn(); });
}

void Stranger::Knock(std::uint64_t value) {
  const Door door = value % 2 == 0 ? Door::judged : Door::passed;
  ClientEnd end;
  end.on_up = [this, value] {
    world_.Expect(value % 2 != 0, "the gate let a stranger in");
    ++world_.happened().strangers_inside;
    Speak(value);
  };
  end.on_down = [this](Reason reason) {
    if (reason == Reason::unknown_key) ++world_.happened().strangers_at_the_door;
  };
  end.on_packet = [](const Packet&) {};
  link_ = network_.Open(actor_, key_, std::move(end), door);
}

void Stranger::Speak(std::uint64_t value) {
  KeyedStream stream(value, "stranger", {});
  const auto& heard = network_.overheard();
  if (!heard.empty()) known_.fence = heard.back()->fence;
  const std::uint64_t words = 1 + stream.Below(kWordsMost);
  for (std::uint64_t i = 0; i < words && link_ != 0; ++i) {
    Packet packet{known_.fence, ForgeMessage(stream.Below(kMessageKinds), stream, known_)};
    if (stream.Below(2) == 0 && !heard.empty()) packet = *heard[stream.Below(heard.size())];
    const auto channel = static_cast<Channel>(stream.Below(2));
    network_.SendToServer(link_, channel, packet.unreadable ? packet : Recode(packet));
  }
}

}  // namespace muster::simulator
