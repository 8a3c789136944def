#include "simulator/federation/process.h"

#include <algorithm>

namespace muster::simulator {
namespace {

/// Machines have been up for up to a month.
constexpr Micros kUpMost = 30LL * 24 * 3'600'000 * kMillisecond;

}  // namespace

void Process::Begin(std::function<void()> tick) {
  End();
  running_ = true;
  tick_ = std::move(tick);
  clock_.Start(world_.now(), world_.Between(actor_, 0, kUpMost));
  ticked_at_ = now_ms();
  WakeLater();
}

void Process::End() {
  ++life_;
  ++wake_;
  running_ = false;
  paused_ = false;
  paused_until_ = 0;
  armed_.reset();
  wake_at_ = -1;
  backlog_.clear();
}

void Process::Arm(MonotonicMs at) {
  armed_ = at;
  WakeLater();
}

void Process::WakeLater() {
  MonotonicMs next = ticked_at_ + kTickMsMax;
  if (armed_) next = std::min(next, *armed_);
  const Micros when = clock_.WhenItReads(next, world_.now());
  // An earlier wake-up finds that nothing is due and asks again.
  if (wake_at_ >= world_.now() && wake_at_ <= when) return;
  wake_at_ = when;
  world_.At(when, actor_, [this, wake = ++wake_] {
    if (wake == wake_) Wake();
  });
}

void Process::Wake() {
  wake_at_ = -1;
  if (paused_) return;
  const MonotonicMs now = now_ms();
  const bool armed_due = armed_ && now >= *armed_;
  const std::uint64_t life = life_;
  if (armed_due || now >= ticked_at_ + kTickMsMax) {
    if (armed_due) armed_.reset();
    ticked_at_ = now;
    tick_();
  }
  if (life == life_) WakeLater();
}

void Process::Later(Worker& worker, Micros least, Micros most, std::function<void()> action) {
  const std::int64_t factor = world_.now() < slow_until_ ? slow_factor_ : 1;
  world_.At(worker.Book(world_, actor_, least * factor, most * factor), actor_,
            Guard(std::move(action)));
}

void Process::Pause(Micros duration) {
  if (!running_) return;
  paused_ = true;
  paused_until_ = std::max(paused_until_, world_.now() + duration);
  world_.At(paused_until_, actor_, [this, life = life_] {
    if (life == life_ && paused_ && world_.now() >= paused_until_) GoOn();
  });
}

void Process::GoOn() {
  paused_ = false;
  while (!paused_ && !backlog_.empty()) {
    const std::function<void()> action = std::move(backlog_.front());
    backlog_.pop_front();
    action();
  }
  if (running_ && !paused_) WakeLater();
}

void Process::SlowDown(std::int64_t factor, Micros duration) {
  slow_factor_ = factor;
  slow_until_ = world_.now() + duration;
}

void Process::SetRate(std::int64_t rate) {
  clock_.SetRate(world_.now(), rate);
  if (running_) WakeLater();
}

void Process::Jump(Micros by) {
  clock_.Jump(by);
  if (running_) WakeLater();
}

void Process::Heal() {
  slow_until_ = 0;
  SetRate(ProcessClock::kTrueRate);
  paused_until_ = world_.now();
  if (paused_) GoOn();
}

}  // namespace muster::simulator
