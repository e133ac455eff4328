// SPDX-License-Identifier: Apache-2.0
#include "actors/shell_worker.hpp"

#include "actors/result_fit.hpp"
#include "supervisor/guards.hpp"
#include "transport/json_guard.hpp"

namespace holt {

namespace {

using shell::shell_stream;

/// The request is decoded.
struct shell_decoded {
  result<shell::shell_request> what;
};
struct output_waits {};
struct chunk_due {};
struct feed_due {};
struct job_runs {
  pid_t pid = 0;
};
struct job_done {
  command_outcome outcome;
};

} // namespace

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::shell_decoded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::output_waits)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::chunk_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::feed_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::job_runs)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::job_done)

namespace holt {

namespace {

const char* name_of(shell_stream stream) {
  return stream == shell_stream::out ? "stdout" : "stderr";
}

struct shell_worker_state {
  static inline const char* name = "shell_worker";
  shell_worker_deps deps;
  shell_task task;
  caf::actor answer_to;
  std::shared_ptr<shell::shell_job> job;
  std::shared_ptr<live_output> live;
  std::uint64_t chunks = 0;
  bool chunk_timer = false; ///< a chunk was sent less than an interval ago
  bool feed_timer = false;
  errc cancelled = errc::none; ///< before there was a job
};

using self_ptr = caf::stateful_actor<shell_worker_state>*;

void send_chunk(shell_worker_state& state, const live_piece& piece) {
  auto text = chunk_message(state.task.what->id, state.chunks++, name_of(piece.stream), piece.off,
                            piece.bytes);
  if (state.task.port) // what does not go out is a gap, which the agent can see and fetch
    (void)state.task.port->send(state.task.result_event,
                                std::make_shared<const std::string>(std::move(text)));
}

void send_feed(shell_worker_state& state, const live_piece& piece) {
  state.deps.activity.send(activity_append{"command",
                                           {{"command", state.task.number},
                                            {"phase", "output"},
                                            {"stream", name_of(piece.stream)},
                                            {"off", piece.off},
                                            {"text", piece.bytes}}});
}

/// One chunk at a time, an interval apart; the first at once.
void pass_on(self_ptr self) {
  auto& state = self->state;
  state.live->hear();
  if (!state.chunk_timer)
    if (auto piece = state.live->next_chunk()) {
      send_chunk(state, *piece);
      state.chunk_timer = true;
      self->delayed_send(self, state.deps.chunk_interval, chunk_due{});
    }
  if (!state.feed_timer)
    if (auto piece = state.live->next_feed()) {
      send_feed(state, *piece);
      state.feed_timer = true;
      self->delayed_send(self, state.deps.feed_interval, feed_due{});
    }
}

void pass_on_rest(shell_worker_state& state) {
  state.live->finish();
  while (auto piece = state.live->next_chunk())
    send_chunk(state, *piece);
  while (auto piece = state.live->next_feed())
    send_feed(state, *piece);
}

void finish(self_ptr self, command_outcome outcome) {
  auto& state = self->state;
  if (state.chunks > 0)
    outcome.fields["chunks"] = state.chunks;
  caf::anon_send(state.answer_to, worker_finished{state.task.number, std::move(outcome)});
  state.job = nullptr;
  self->quit();
}

void start(self_ptr self, const result<shell::shell_request>& what) {
  auto& state = self->state;
  if (!what)
    return finish(self, command_outcome::failure(what.error()));
  if (state.cancelled != errc::none)
    return finish(self, command_outcome::failure({state.cancelled, "it had not started"}));
  // Weak: the job must not keep its worker.
  auto me = caf::actor_cast<caf::actor_addr>(self);
  auto tell = [me](auto message) {
    if (auto worker = caf::actor_cast<caf::actor>(me))
      caf::anon_send(worker, std::move(message));
  };
  shell::shell_handlers handlers;
  handlers.on_started = [tell](pid_t pid) { tell(job_runs{pid}); };
  handlers.on_output
    = [tell, live = state.live](shell_stream stream, std::uint64_t off, std::string bytes) {
        if (live->add(stream, off, std::move(bytes)))
          tell(output_waits{});
      };
  handlers.on_done = [tell](command_outcome outcome) { tell(job_done{std::move(outcome)}); };
  state.job = state.deps.start(*what, std::move(handlers));
  if (!state.job)
    finish(self, command_outcome::failure({errc::internal, "the job could not be made"}));
}

void decode(self_ptr self) {
  auto& state = self->state;
  auto me = caf::actor_cast<caf::actor>(self);
  state.deps.on_pool([me, decode = state.deps.decode, what = state.task.what] {
    caf::anon_send(me, shell_decoded{decode(*what)});
  });
}

caf::behavior behavior(self_ptr self, shell_worker_deps deps, shell_task task,
                       caf::actor answer_to) {
  install_guards(self);
  auto& state = self->state;
  state.deps = std::move(deps);
  state.task = std::move(task);
  state.answer_to = std::move(answer_to);
  state.live = std::make_shared<live_output>(state.task.what->stream, state.deps.mask);
  self->set_exit_handler([self](caf::exit_msg& msg) {
    if (self->state.job)
      self->state.job->cancel(errc::shutting_down);
    self->quit(std::move(msg.reason));
  });
  if (state.task.what->body.contains("cwd"))
    decode(self); // looks at the file system
  else
    caf::anon_send(self, shell_decoded{state.deps.decode(*state.task.what)});
  return {
    [self](const shell_decoded& what) { start(self, what.what); },
    [self](const job_runs& what) {
      auto& now = self->state;
      caf::anon_send(now.answer_to, shell_started{now.task.number, now.job, what.pid});
    },
    [self](const output_waits&) { pass_on(self); },
    [self](const chunk_due&) {
      self->state.chunk_timer = false;
      pass_on(self);
    },
    [self](const feed_due&) {
      self->state.feed_timer = false;
      pass_on(self);
    },
    [self](job_done& what) {
      pass_on_rest(self->state);
      finish(self, std::move(what.outcome));
    },
    [self](const shell_cancel& what) {
      self->state.cancelled = what.why;
      if (self->state.job)
        self->state.job->cancel(what.why);
    },
    [self](const shell_port& what) { self->state.task.port = what.port; },
  };
}

} // namespace

caf::actor spawn_shell_worker(caf::actor_system& system, shell_worker_deps deps, shell_task task,
                              caf::actor answer_to) {
  return system.spawn(behavior, std::move(deps), std::move(task), std::move(answer_to));
}

std::string chunk_message(std::string_view id, std::uint64_t seq, std::string_view stream,
                          std::uint64_t off, std::string_view bytes) {
  nlohmann::json out{{"type", "chunk"}, {"id", id}, {"seq", seq}, {"stream", stream}, {"off", off}};
  bool text = goes_as_text(bytes);
  out["enc"] = text ? "utf8" : "base64";
  out["data"] = text ? std::string{bytes} : to_base64(bytes);
  return http::dump_safe(out);
}

} // namespace holt
