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
  {
    // Before it exists: it may report itself from another thread at once.
    std::lock_guard guard{mutex_};
    gen_ = gen;
    sink_ = sink;
    actor_ = nullptr;
    end_reason_.clear();
  }
  auto hdl = how_.spawn();
  {
    std::lock_guard guard{mutex_};
    actor_ = hdl;
  }
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
  supervision::event_sink sink;
  std::string why;
  {
    std::lock_guard guard{mutex_};
    if (gen != gen_)
      return;
    actor_ = nullptr;
    sink = sink_;
    why = end_reason_;
  }
  if (how_.on_end)
    how_.on_end();
  supervision::exited what;
  what.cause = death_cause::actor;
  bool clean
    = !reason || reason == caf::exit_reason::normal || reason == caf::exit_reason::user_shutdown;
  what.code = clean ? 0 : 1;
  what.detail = !why.empty() ? why : clean ? "" : caf::to_string(reason);
  sink(gen, std::move(what));
}

void actor_child::stop(generation gen) {
  std::lock_guard guard{mutex_};
  if (gen == gen_)
    send_exit(actor_, caf::exit_reason::user_shutdown);
}

void actor_child::kill(generation gen) {
  supervision::event_sink sink;
  {
    std::lock_guard guard{mutex_};
    if (gen == gen_)
      send_exit(actor_, caf::exit_reason::kill);
    sink = sink_;
  }
  if (sink)
    sink(gen, supervision::kill_verified{0});
}

void actor_child::probe(generation gen) {
  supervision::event_sink sink;
  {
    std::lock_guard guard{mutex_};
    sink = sink_;
  }
  if (sink)
    sink(gen, supervision::probe_ok{});
}

void actor_child::report_ready() {
  supervision::event_sink sink;
  generation gen{};
  {
    std::lock_guard guard{mutex_};
    sink = sink_;
    gen = gen_;
  }
  if (sink)
    sink(gen, supervision::became_ready{});
}

void actor_child::report_end_reason(std::string text) {
  std::lock_guard guard{mutex_};
  end_reason_ = std::move(text);
}

std::shared_ptr<actor_child> make_actor_child(actor_child_options how) {
  return std::make_shared<actor_child>(std::move(how));
}

} // namespace holt
