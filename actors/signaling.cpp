// SPDX-License-Identifier: Apache-2.0

// One browser's signaling connection as an actor: carries what happens into signaling_machine and
// its effects to the two sockets, the engine's API and the arbiter. Temporary child of `viewers`.

#include "actors/viewers.hpp"
#include "supervisor/guards.hpp"
#include "transport/log.hpp"
#include "transport/ws_client.hpp"

namespace holt {

namespace {

/// The browser's socket is open.
struct browser_opened {
  http::ws_ptr socket;
};

/// An account at the engine was made, or not.
struct account_answer {
  result<engine_account> got;
};

/// The engine's socket is open, or not.
struct engine_socket {
  result<http::ws_ptr> got;
};

} // namespace

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::browser_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::account_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::engine_socket)

namespace holt {

namespace {

/// An engine tells about all of its sessions at once.
constexpr std::size_t max_engine_message = 4 * 1024 * 1024;

struct signaling_state {
  static inline const char* name = "signaling";
  signaling::state now;
  signaling::browser who;
  viewers_deps deps;
  caf::actor viewers;
  engine_client_ptr engine;     ///< the ready one
  engine_client_ptr account_at; ///< the one that our account is at
  std::string account;
  http::ws_ptr browser;
  http::ws_ptr engine_side;
  bool engine_known = false;
  bool opened = false;
  bool ended = false; ///< said finished

  ~signaling_state() {
    // Ended from outside: nothing of it stays behind.
    if (browser)
      browser->close(1011, "the viewer ended unexpectedly");
    if (engine_side)
      engine_side->close(1000, "");
    if (!account.empty() && account_at)
      account_at->drop_account(account, [](const result<void>&) {});
  }
};

using self_ptr = caf::stateful_actor<signaling_state>*;

struct runner {
  self_ptr self;

  signaling_state& state() const { return self->state; }

  void operator()(const signaling::event& what) const {
    for (const auto& one : signaling::step(state().now, what, state().deps.policy))
      std::visit([this](const auto& x) { run(x); }, one);
  }

  void run(const signaling::to_browser& x) const {
    if (state().browser)
      state().browser->send_text(std::make_shared<const std::string>(x.text));
  }

  void run(const signaling::to_engine& x) const {
    if (state().engine_side)
      state().engine_side->send_text(std::make_shared<const std::string>(x.text));
  }

  void run(const signaling::close_browser& x) const {
    if (state().browser)
      state().browser->close(x.code, x.reason); // which cuts it between characters
  }

  void run(const signaling::close_engine& x) const {
    if (state().engine_side)
      state().engine_side->close(x.code, "");
  }

  void run(const signaling::make_account&) const {
    auto me = caf::actor_cast<caf::actor>(self);
    state().account_at = state().engine;
    if (!state().engine) {
      caf::anon_send(me, account_answer{error{errc::engine_unavailable, "no engine is ready"}});
      return;
    }
    engine_profile profile{state().who.name, state().who.may_drive, state().who.published_client};
    // A viewer that was killed meanwhile cannot take its account back.
    auto weak = caf::actor_cast<caf::actor_addr>(me);
    state().engine->make_account(profile,
                                 [weak, engine = state().engine](result<engine_account> got) {
                                   auto alive = caf::actor_cast<caf::actor>(weak);
                                   if (alive)
                                     caf::anon_send(alive, account_answer{std::move(got)});
                                   else if (got)
                                     engine->drop_account(got->id, [](const result<void>&) {});
                                 });
  }

  void run(const signaling::drop_account&) const {
    if (state().account_at && !state().account.empty())
      state().account_at->drop_account(state().account, [](const result<void>& got) {
        if (!got)
          log::debug("signaling", "logout_failed", {{"detail", got.error().detail}});
      });
    state().account.clear();
  }

  void run(const signaling::arm& x) const {
    self->delayed_send(self, x.after, signaling_event{signaling::timer{x.what, x.serial}});
  }

  void run(const signaling::tell_control& x) const {
    if (const auto* joined = std::get_if<control::joined>(&x.what))
      state().deps.control.send(control_join{*joined, caf::actor_cast<caf::actor>(self)});
    else
      state().deps.control.send(control_event{x.what});
  }

  void run(const signaling::report& x) const {
    auto id = std::to_string(static_cast<std::uint64_t>(state().who.id));
    log::info("signaling", x.event, {{"conn", id}, {"detail", x.data.dump()}});
    auto data = x.data;
    data["event"] = x.event;
    data["viewer"] = id;
    state().deps.activity.send(activity_append{"session", std::move(data)});
  }

  void run(const signaling::finished&) const {
    self->demonitor(state().viewers->address()); // else the lobby remembers us for good
    state().ended = true;
    self->quit();
  }

  void account_made(const result<engine_account>& got) const {
    if (!got) {
      (*this)(signaling::account_failed{got.error()});
      return;
    }
    state().account = got->id;
    (*this)(signaling::account_ready{got->id});
    if (state().now.now == signaling::phase::logging_in)
      open_engine_socket(got->token);
  }

  void open_engine_socket(const log::secret& token) const {
    auto me = caf::actor_cast<caf::actor>(self);
    http::ws_target target;
    target.host = "127.0.0.1";
    target.port = state().account_at->address().port;
    target.target = "/api/ws";
    target.headers.push_back({"Authorization", "Bearer " + token.reveal()});
    http::ws_limits limits;
    limits.max_message_bytes = max_engine_message;
    http::ws_handlers handlers;
    handlers.on_message = [me](std::string text, bool) {
      caf::anon_send(me, signaling_event{signaling::from_engine{std::move(text)}});
    };
    handlers.on_close = [me](const http::close_reason& why) {
      caf::anon_send(me, signaling_event{signaling::engine_closed{why.code, why.text}});
    };
    http::ws_connect(
      state().deps.io->get_executor(), std::move(target), limits, std::move(handlers),
      [me](result<http::ws_ptr> got) { caf::anon_send(me, engine_socket{std::move(got)}); });
  }

  void engine_connected(const result<http::ws_ptr>& got) const {
    if (!got) {
      (*this)(signaling::account_failed{got.error()});
      return;
    }
    state().engine_side = *got;
    (*this)(signaling::engine_open{});
  }

  void handle(const signaling::event& what) const {
    (*this)(what);
    if (std::holds_alternative<signaling::from_browser>(what) && state().browser)
      state().browser->acknowledge(1);
    if (std::holds_alternative<signaling::from_engine>(what) && state().engine_side)
      state().engine_side->acknowledge(1);
    if (std::holds_alternative<signaling::browser_closed>(what))
      state().browser = nullptr;
    if (std::holds_alternative<signaling::engine_closed>(what))
      state().engine_side = nullptr;
  }

  void engine_is(const engine_status& engine) const {
    state().engine = engine.client;
    state().engine_known = true;
    if (!state().opened) {
      state().now.engine = engine.info;
      open();
      return;
    }
    (*this)(signaling::engine_changed{engine.info, engine.stopped});
  }

  void accept(const http::upgrade_ptr& request) const {
    auto me = caf::actor_cast<caf::actor>(self);
    http::ws_limits limits;
    http::ws_handlers handlers;
    handlers.on_message = [me](std::string text, bool binary) {
      caf::anon_send(me, signaling_event{signaling::from_browser{std::move(text), binary}});
    };
    handlers.on_close = [me](const http::close_reason& why) {
      caf::anon_send(me, signaling_event{signaling::browser_closed{why.code}});
    };
    request->accept(limits, std::move(handlers),
                    [me](http::ws_ptr socket) { caf::anon_send(me, browser_opened{socket}); });
  }

  void open() const {
    if (state().opened || !state().browser || !state().engine_known)
      return;
    state().opened = true;
    (*this)(signaling::opened{state().who, state().now.engine});
  }
};

caf::behavior behavior(self_ptr self, const viewers_deps& deps, const caf::actor& viewers,
                       const http::upgrade_ptr& request, const signaling::browser& who) {
  install_guards(self);
  self->state.deps = deps;
  self->state.viewers = viewers;
  self->state.who = who;
  auto run = runner{self};
  self->set_exit_handler([run](caf::exit_msg&) {
    run(signaling::shutdown{1001, "the daemon stops"});
    if (!run.state().opened)
      run.self->quit();
  });
  self->attach_functor([viewers, id = who.id, control = deps.control](const caf::error&) {
    caf::anon_send(viewers, viewers_leave{id});
    control.send(control_event{control::left{id, false}});
  });
  self->set_down_handler([run](caf::down_msg&) {
    run(signaling::shutdown{1012, "a part of the daemon was restarted"});
    if (!run.state().opened)
      run.self->quit();
  });
  self->monitor(viewers);
  self->send(viewers, viewers_join{who.id, self});
  run.accept(request);
  return {
    [run](const browser_opened& what) {
      run.state().browser = what.socket;
      run.open();
    },
    [run](const signaling_event& what) { run.handle(what.what); },
    [run](const account_answer& what) { run.account_made(what.got); },
    [run](const engine_socket& what) { run.engine_connected(what.got); },
    [run](const viewers_engine& what) { run.engine_is(what.engine); },
    [run](const viewers_rejoin&) { run(signaling::arbiter_restarted{}); },
  };
}

} // namespace

caf::actor spawn_signaling(caf::actor_system& system, const viewers_deps& deps,
                           const caf::actor& viewers, const http::upgrade_ptr& request,
                           const signaling::browser& who) {
  return system.spawn(behavior, deps, viewers, request, who);
}

} // namespace holt
