// SPDX-License-Identifier: Apache-2.0
#include "actors/file_watch.hpp"

#include "supervisor/guards.hpp"

#include <algorithm>
#include <iterator>

namespace holt {

void change_queue::add(const std::vector<files::file_change>& changes) {
  std::unique_lock lock{mutex_};
  for (const auto& one : changes) {
    if (waiting_.size() >= most) {
      auto top = waiting_.front().path;
      waiting_.clear();
      waiting_.push_back({files::change_kind::overflow, std::move(top), {}, true});
    }
    waiting_.push_back(one);
  }
  if (waiting_.empty() || std::exchange(announced_, true))
    return;
  lock.unlock();
  announce_();
}

std::vector<files::file_change> change_queue::take(std::size_t count) {
  std::lock_guard lock{mutex_};
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(count, waiting_.size()));
  std::vector<files::file_change> out{std::make_move_iterator(waiting_.begin()),
                                      std::make_move_iterator(end)};
  waiting_.erase(waiting_.begin(), end);
  return out;
}

bool change_queue::rest() {
  std::lock_guard lock{mutex_};
  announced_ = !waiting_.empty();
  return !announced_;
}

namespace {

/// All of its life is one turn on the pool.
class watch_worker final : public caf::event_based_actor {
public:
  watch_worker(caf::actor_config& cfg, watch_task task, caf::actor answer_to)
    : event_based_actor{cfg}, task_{std::move(task)}, answer_to_{std::move(answer_to)} {}

  const char* name() const override { return "watch_worker"; }

  caf::behavior make_behavior() override {
    install_guards(this);
    auto got = task_.hub->watch(
      task_.context, task_.path, task_.how,
      [queue = task_.queue](const std::vector<files::file_change>& all) { queue->add(all); });
    watch_begun out{task_.number, error{}, task_.queue};
    if (got)
      out.got = std::shared_ptr<files::watch_hub::handle>{std::move(*got)};
    else
      out.got = got.error();
    caf::anon_send(answer_to_, std::move(out));
    answer_to_ = nullptr;
    return {};
  }

private:
  watch_task task_;
  caf::actor answer_to_;
};

} // namespace

caf::actor spawn_watch_worker(caf::actor_system& system, blocking_unit* where, watch_task task,
                              caf::actor answer_to) {
  caf::actor_config cfg{where};
  return system.spawn_class<watch_worker, caf::no_spawn_options>(cfg, std::move(task),
                                                                 std::move(answer_to));
}

} // namespace holt
