// SPDX-License-Identifier: Apache-2.0
#include "actors/actor_child.hpp"

namespace holt {

namespace {

void send_exit(const caf::actor& to, caf::exit_reason reason) {
  if (!to)
    return;
  // High priority: an exit message must not queue behind a full mailbox.
  auto content = caf::make_message(caf::exit_msg{to->address(), reason});
  auto* target = caf::actor_cast<caf::abstract_actor*>(to);
  target->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id().with_high_priority(),
                                            {}, std::move(content)),
                  nullptr);
}

} // namespace

actor_child::actor_child(actor_child_options how) : how_{std::move(how)} {}

void actor_child::start(generation gen, supervision::event_sink sink) {
  // Before it exists: it may report itself from another thread at once.
  voice_.begin(gen, sink);
  voice_.during(gen, [this] {
    actor_ = nullptr;
    end_reason_.clear();
  });
  auto hdl = how_.spawn();
  voice_.during(gen, [&] { actor_ = hdl; });
  if (!hdl) {
    sink(gen, supervision::spawn_failed{"the actor could not be made", false});
    return;
  }
  sink(gen, supervision::spawned{});
  if (!how_.reports_ready)
    sink(gen, supervision::became_ready{});
  caf::actor_cast<caf::abstract_actor*>(hdl)->attach_functor(
    [self = shared_from_this(), gen](const caf::error& reason) { self->ended(gen, reason); });
}

void actor_child::ended(generation gen, const caf::error& reason) {
  std::string why;
  const bool ours = voice_.during(gen, [&] {
    actor_ = nullptr;
    why = end_reason_;
  });
  if (!ours)
    return;
  if (how_.on_end)
    how_.on_end();
  supervision::exited what;
  what.cause = death_cause::actor;
  bool clean
    = !reason || reason == caf::exit_reason::normal || reason == caf::exit_reason::user_shutdown;
  what.code = clean ? 0 : 1;
  what.detail = !why.empty() ? why : clean ? "" : caf::to_string(reason);
  voice_.tell(gen, std::move(what));
}

void actor_child::stop(generation gen) {
  voice_.during(gen, [this] { send_exit(actor_, caf::exit_reason::user_shutdown); });
}

void actor_child::kill(generation gen) {
  voice_.during(gen, [this] { send_exit(actor_, caf::exit_reason::kill); });
  voice_.tell(gen, supervision::kill_verified{0});
}

void actor_child::probe(generation gen) {
  voice_.tell(gen, supervision::probe_ok{});
}

void actor_child::report_ready() {
  voice_.tell(supervision::became_ready{});
}

void actor_child::report_end_reason(std::string text) {
  voice_.locked([&] { end_reason_ = std::move(text); });
}

std::shared_ptr<actor_child> make_actor_child(actor_child_options how) {
  return std::make_shared<actor_child>(std::move(how));
}

} // namespace holt
