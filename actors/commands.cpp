// SPDX-License-Identifier: Apache-2.0
#include "actors/commands.hpp"

#include "actors/command_desk.hpp"
#include "supervisor/guards.hpp"

namespace holt {

namespace {

struct commands_state {
  static inline const char* name = "commands";
  std::unique_ptr<command_desk> desk;
};

using self_ptr = caf::stateful_actor<commands_state>*;

caf::behavior behavior(self_ptr self, commands_deps deps) {
  install_guards(self);
  auto& desk = *(self->state.desk = std::make_unique<command_desk>(self, std::move(deps)));
  self->set_down_handler([&desk](const caf::down_msg& what) { desk.worker_gone(what); });
  desk.begin();
  return caf::message_handler{
    [&desk](const begin_again&) { desk.begin(); },
    [&desk](link_heard& what) { desk.heard(what); },
    [&desk](worker_finished& what) { desk.finished(what.number, std::move(what.outcome)); },
    [&desk](fs_planned& what) { desk.planned(what); },
    [&desk](const shell_started& what) { desk.started(what); },
    [&desk](watch_begun& what) { desk.watch_begins(what); },
    [&desk](const watch_due& what) { desk.changes_due(what); },
    [&desk](journal_looked_up& what) { desk.looked_up(what); },
    [&desk](const journal_recorded& what) { desk.recorded(what); },
    [&desk](const journal_stored& what) { desk.stored(what); },
    [&desk](journal_former& what) { desk.former(what); },
    [&desk](const batch_progress& what) { desk.progressed(what); },
    [&desk](const journal_page& what) { desk.resume_page(what); },
    [&desk](const journal_found& what) { desk.found(what); },
    [&desk](const parts_due&) { desk.send_parts(); },
    [&desk](const unsent_due&) { desk.send_unsent(); },
    [&desk](const deadline_due& what) { desk.deadline(what.epoch); },
    [&desk](const resume_due& what) { desk.resume_next(what); },
    [&desk](const presence_due& what) { desk.presence_late(what); },
  }
    .or_else(
      [&desk](const link_opened& what) { desk.opened(what); },
      [&desk](const link_closed& what) { desk.closed(what); },
      [&desk](const link_up& what) { desk.up(what); },
      [&desk](const link_down& what) { desk.down(what); },
      [&desk](const link_present& what) { desk.present(what); },
      [&desk](const commands_query& what) { what.answer(desk.commands_document()); },
      [&desk](const links_query& what) { what.answer(desk.links_document()); },
      [&desk](const command_cancel& what) { what.answer(desk.cancel_by_person(what.number)); },
      [&desk](const commands_goodbye& what) { desk.goodbye(what.done); });
}

} // namespace

caf::actor spawn_commands(caf::actor_system& system, commands_deps deps) {
  return system.spawn(behavior, std::move(deps));
}

std::shared_ptr<void> weigh(const std::shared_ptr<command_inbox>& inbox, std::size_t bytes) {
  inbox->bytes += bytes;
  return {nullptr, [inbox, bytes](void*) { inbox->bytes -= bytes; }};
}

nlohmann::json presence_meta(const sandbox_identity& who) {
  return {{"role", "sandbox"},
          {"id", who.id},
          {"boot", who.boot},
          {"since", who.since},
          {"proto", "sbx/1"}};
}

} // namespace holt
