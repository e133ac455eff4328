// SPDX-License-Identifier: Apache-2.0

// The links come and go: hello after every join, what an outage may have swallowed once more.

#include "actors/command_desk.hpp"
#include "transport/json_guard.hpp"
#include "transport/log.hpp"

namespace holt {

namespace {

constexpr std::chrono::seconds presence_wait{1};

const char* const capabilities[] = {
  "fs.read",   "fs.write",    "fs.list",     "fs.stat",     "fs.mkdir",     "fs.move",
  "fs.remove", "fs.edit",     "fs.glob",     "fs.grep",     "fs.tree",      "fs.put",
  "batch",     "shell.exec",  "shell.start", "shell.input", "shell.signal", "shell.resize",
  "cancel",    "query",       "resume",      "fetch",       "release",      "stream",
  "ack",       "deadline_ms", "fs.watch",    "fs.unwatch",
};

} // namespace

void command_desk::opened(const link_opened& what) {
  auto& slot = links_[what.number];
  slot.port = what.port;
  if (slot.up)
    hello(what.number);
  hear_early(what.number);
}

/// In the order they came; what still cannot be judged waits on.
void command_desk::hear_early(std::size_t link) {
  for (auto& one : std::exchange(links_[link].early, {}))
    heard(one);
}

void command_desk::closed(const link_closed& what) {
  auto& slot = links_[what.number];
  if (slot.up)
    down({what.number, {errc::cancelled, "the channel is closed"}, wall_now()});
  slot.port = nullptr;
  slot.early.clear();
}

void command_desk::up(const link_up& what) {
  auto& slot = links_[what.number];
  slot.limits = what.limits;
  slot.up = true;
  slot.waited = false;
  slot.up_since = wall_now();
  slot.last_error.clear();
  ++slot.joins;
  if (!slot.how.own)
    self_->delayed_send(self_, presence_wait, presence_due{what.number, slot.joins});
  log::info("commands", "link_up", {{"session", slot.how.session}});
  for (auto& [number, which] : entries_)
    if (which.link == what.number && which.worker)
      caf::anon_send(which.worker, shell_port{slot.port});
  if (slot.port)
    hello(what.number);
}

/// Said on `ctl` after every join; then what may not have arrived.
void command_desk::hello(std::size_t link) {
  auto& slot = links_[link];
  const auto& who = deps_.identity;
  nlohmann::json out{{"type", "hello"},
                     {"sandbox", who.id},
                     {"boot", who.boot},
                     {"proto", "sbx/1"},
                     {"caps", capabilities},
                     {"limits",
                      {{"max_payload", slot.limits.max_payload},
                       {"messages_per_second", slot.limits.messages_per_second},
                       {"running", deps_.queue.running},
                       {"queued", deps_.queue.waiting}}},
                     {"rseq", last_rseq_}};
  say(link, "ctl", std::make_shared<const std::string>(http::dump_safe(out)));
  slot.ledger->link_up(
    [&](const link::shared_text& text) {
      return send_result(link, text) || never_goes_out(link, text);
    },
    wall_now());
  nothing_owed(slot);
  if (slot.ledger->has_unsent())
    try_again_soon();
}

void command_desk::down(const link_down& what) {
  auto& slot = links_[what.number];
  slot.last_error = what.why.detail;
  if (!std::exchange(slot.up, false))
    return;
  slot.ledger->link_down(what.since);
  slot.walks.clear();
  slot.late.clear(); // whoever still wants to know asks again
  slot.late_bytes = 0;
  log::info("commands", "link_down", {{"session", slot.how.session}, {"detail", what.why.detail}});
}

void command_desk::present(const link_present& what) {
  auto& slot = links_[what.number];
  if (!slot.ledger)
    return;
  std::vector<link::sandbox_presence> all;
  for (const auto& one : what.who)
    if (auto meta = link::sandbox_presence_of(one.meta))
      all.push_back(std::move(*meta));
  auto before = slot.ledger->other_owner();
  slot.ledger->presence(all);
  auto now = slot.ledger->other_owner();
  if (now != before)
    log::info("commands", "session_owner",
              {{"session", slot.how.session}, {"owner", now.value_or(deps_.identity.id)}});
  if (slot.port)
    hear_early(what.number);
}

void command_desk::presence_late(const presence_due& what) {
  auto& slot = links_[what.link];
  if (what.join != slot.joins || !slot.up)
    return;
  slot.waited = true;
  if (slot.port)
    hear_early(what.link);
}

void command_desk::note_listeners(link_slot& slot) {
  if (slot.how.own && slot.port)
    slot.ledger->listeners(slot.port->somebody_listens(), wall_now());
}

} // namespace holt
