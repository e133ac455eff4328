// SPDX-License-Identifier: Apache-2.0
#include "actors/command_desk.hpp"

namespace holt {

command_desk::command_desk(self_ptr self, commands_deps deps)
  : self_{self}, deps_{std::move(deps)}, queue_{deps_.queue} {
  for (const auto& how : deps_.links) {
    link_slot slot;
    slot.how = how;
    slot.auth = std::make_unique<link::command_auth>(how.auth);
    links_.push_back(std::move(slot));
  }
  restored_.resize(links_.size());
}

command_desk::~command_desk() {
  for (auto& [number, which] : entries_) {
    which.cancelled->store(true);
    if (which.job)
      which.job->cancel(errc::shutting_down);
    which.letter = nullptr; // goes back, if it is in no journal
    // A batch, or a shell whose process is not known yet.
    if (which.worker && !is_file_command(which.what->kind))
      caf::anon_send(which.worker, shell_cancel{errc::shutting_down});
  }
}

command_desk::entry* command_desk::find(std::uint64_t number) {
  auto i = entries_.find(number);
  return i == entries_.end() ? nullptr : &i->second;
}

link::wall_ms command_desk::wall_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
           std::chrono::system_clock::now().time_since_epoch())
    .count();
}

} // namespace holt
