// SPDX-License-Identifier: Apache-2.0
#include "actors/x_client.hpp"

#include "desktop/modes.hpp"
#include "desktop/root_window.hpp"
#include "desktop/workbench.hpp"
#include "supervisor/guards.hpp"

namespace holt {

namespace {

/// The X thread said that it cannot go on.
struct x_lost {
  std::string reason;
};

} // namespace

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::x_lost)

namespace holt {

namespace {

struct x_client_state {
  static inline const char* name = "x_client";
  x_client_options how;
  std::unique_ptr<x_thread> thread;
  ~x_client_state() {
    if (how.door && thread)
      how.door->close(*thread);
  }
};

using self_ptr = caf::stateful_actor<x_client_state>*;

result<desktop::screen_size> apply(desktop::connection& x, desktop::screen_size size,
                                   unsigned dpi) {
  if (dpi != 0)
    if (auto set = desktop::set_dpi(x, dpi); !set)
      return set.error();
  auto now = desktop::current_mode(x);
  if (!now)
    return now.error();
  bool same = now->width == size.width && now->height == size.height;
  auto after = same ? now : desktop::set_mode(x, size);
  if (!after)
    return after.error();
  if (auto painted = desktop::paint_background(x); !painted)
    return painted.error();
  return after;
}

void set_up(self_ptr self) {
  auto how = self->state.how;
  auto me = caf::actor_cast<caf::actor>(self);
  self->state.thread->post([how, me](const result<desktop::workbench*>& bench) {
    if (!bench)
      return; // told already
    auto& x = (*bench)->x();
    (*bench)->others().on_hand(how.on_hand);
    if (how.on_copied)
      for (const bool primary : {false, true})
        (*bench)->board(primary).listen(
          [tell = how.on_copied, primary](const desktop::clipboard_change& what) {
            tell(primary, what);
          });
    auto done = apply(x, how.size, how.dpi);
    auto pointer = done ? desktop::set_root_pointer(x) : result<void>{done.error()};
    if (!pointer)
      caf::anon_send(me, x_lost{pointer.error().detail});
    else if (how.on_ready)
      how.on_ready();
  });
}

caf::behavior behavior(self_ptr self, x_client_options how) {
  install_guards(self);
  auto me = caf::actor_cast<caf::actor_addr>(self);
  self->state.how = std::move(how);
  self->state.thread
    = std::make_unique<x_thread>(self->state.how.display, [me](std::string reason) {
        if (auto strong = caf::actor_cast<caf::actor>(me))
          caf::anon_send(strong, x_lost{std::move(reason)});
      });
  set_up(self);
  if (self->state.how.door)
    self->state.how.door->open(*self->state.thread);
  return {
    [self](const x_call& what) { self->state.thread->post(what.work); },
    [self](const x_resize& what) {
      self->state.thread->post([what](const result<desktop::workbench*>& bench) {
        what.answer(bench ? apply((*bench)->x(), what.size, what.dpi) : bench.error());
      });
    },
    [self](const x_lost& what) {
      if (self->state.how.on_failure)
        self->state.how.on_failure(what.reason);
      self->quit(caf::exit_reason::remote_link_unreachable);
    },
  };
}

} // namespace

caf::actor spawn_x_client(caf::actor_system& system, x_client_options how) {
  return system.spawn(behavior, std::move(how));
}

} // namespace holt
