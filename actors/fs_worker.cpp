// SPDX-License-Identifier: Apache-2.0
#include "actors/fs_worker.hpp"

#include "supervisor/guards.hpp"

namespace holt {

namespace {

class fs_worker final : public caf::event_based_actor {
public:
  fs_worker(caf::actor_config& cfg, fs_task task, caf::actor answer_to)
    : event_based_actor{cfg}, task_{std::move(task)}, answer_to_{std::move(answer_to)} {}

  const char* name() const override { return "fs_worker"; }

  /// All of its life. No behavior: it ends.
  caf::behavior make_behavior() override {
    install_guards(this);
    switch (task_.step) {
    case fs_step::plan:
      caf::anon_send(
        answer_to_, fs_planned{task_.number, files::plan_file_command(task_.context, *task_.what)});
      break;
    case fs_step::run:
      finish(files::run_file_command(task_.context, *task_.what, task_.plan));
      break;
    case fs_step::settle:
      finish(files::settle_file_command(task_.context, *task_.what, task_.plan));
      break;
    }
    answer_to_ = nullptr;
    return {};
  }

private:
  void finish(command_outcome outcome) {
    caf::anon_send(answer_to_, worker_finished{task_.number, std::move(outcome)});
  }

  fs_task task_;
  caf::actor answer_to_;
};

} // namespace

caf::actor spawn_fs_worker(caf::actor_system& system, blocking_unit* where, fs_task task,
                           caf::actor answer_to) {
  caf::actor_config cfg{where};
  return system.spawn_class<fs_worker, caf::no_spawn_options>(cfg, std::move(task),
                                                              std::move(answer_to));
}

} // namespace holt
