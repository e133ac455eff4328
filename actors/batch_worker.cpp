// SPDX-License-Identifier: Apache-2.0
#include "actors/batch_worker.hpp"

#include "actors/result_fit.hpp"
#include "supervisor/guards.hpp"

namespace holt {

namespace {

constexpr std::size_t most_items = 1'000;
constexpr std::size_t most_failed = 100; ///< told as they go
/// Bytes of all items' answers: what is found after that is not kept.
constexpr std::size_t most_results = 16ull << 20;

/// File commands in a row.
struct batch_files_done {
  std::vector<command_outcome> outcomes;
};

using item = result<std::shared_ptr<const command>>;

} // namespace

} // namespace holt

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::batch_files_done)

namespace holt {

namespace {

command_outcome run_whole(const files::file_context& context, const command& what) {
  files::file_plan plan;
  if (has_effect(what.kind)) {
    auto made = files::plan_file_command(context, what);
    if (!made)
      return command_outcome::failure(made.error());
    plan = std::move(*made);
  }
  return files::run_file_command(context, what, plan);
}

/// Large for a batch: replaced before it is kept, a thousand of them would be too much.
void shrink(command_outcome& outcome, std::size_t& kept) {
  if (!outcome.large.empty())
    outcome = command_outcome::failure(
      {errc::payload_too_large, std::to_string(outcome.large.front().bytes.size())
                                  + " bytes; read it by itself with stream"});
  std::size_t bytes = 0;
  for (const auto& one : outcome.fields)
    bytes += one.is_string() ? one.get_ref<const std::string&>().size()
             : one.is_structured()
               ? one.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).size()
               : 8;
  if (kept + bytes <= most_results) {
    kept += bytes;
    return;
  }
  drop_contents(outcome.fields);
}

/// On the pool: the items until one fails, if that stops the batch.
class batch_files final : public caf::event_based_actor {
public:
  batch_files(caf::actor_config& cfg, std::vector<std::shared_ptr<const command>> items,
              files::file_context context, bool stop_on_error, caf::actor answer_to)
    : event_based_actor{cfg},
      items_{std::move(items)},
      context_{std::move(context)},
      stop_on_error_{stop_on_error},
      answer_to_{std::move(answer_to)} {}

  caf::behavior make_behavior() override {
    install_guards(this);
    batch_files_done out;
    std::size_t kept = 0;
    for (const auto& one : items_) {
      out.outcomes.push_back(run_whole(context_, *one));
      shrink(out.outcomes.back(), kept);
      if (stop_on_error_ && !out.outcomes.back().ok())
        break;
    }
    caf::anon_send(answer_to_, std::move(out));
    answer_to_ = nullptr;
    return {};
  }

private:
  std::vector<std::shared_ptr<const command>> items_;
  files::file_context context_;
  bool stop_on_error_;
  caf::actor answer_to_;
};

struct batch_worker_state {
  static inline const char* name = "batch_worker";
  blocking_unit* where = nullptr;
  shell_worker_deps shell;
  batch_task task;
  caf::actor answer_to;
  std::vector<item> items;
  std::size_t next = 0;
  bool stop_on_error = false;
  bool stopped = false;
  errc cancelled = errc::none;
  caf::actor running; ///< a shell worker
  nlohmann::json results = nlohmann::json::array();
  std::size_t kept = 0; ///< bytes of them
  std::vector<std::size_t> failed;
};

using self_ptr = caf::stateful_actor<batch_worker_state>*;

bool is_file(command_kind kind) {
  return kind < command_kind::batch && kind != command_kind::fs_watch
         && kind != command_kind::fs_unwatch;
}

item decode_item(nlohmann::json body, const command& batch, std::size_t place) {
  if (body.is_object()) {
    if (!body.contains("id"))
      body["id"] = batch.id + "/" + std::to_string(place);
    body["src"] = batch.src;
    body.erase("stream");
  }
  auto decoded = decode_command(body);
  if (!decoded)
    return decoded.error();
  if (!is_file(decoded->kind) && decoded->kind != command_kind::shell_exec)
    return error{errc::unsupported, "a batch holds files commands and shell.exec"};
  return std::make_shared<const command>(std::move(*decoded));
}

std::string id_of(const batch_worker_state& state, std::size_t place) {
  const auto& body = state.task.what->body["items"][place];
  auto id = command_id(body);
  return id.empty() ? state.task.what->id + "/" + std::to_string(place) : id;
}

void add(batch_worker_state& state, command_outcome outcome) {
  shrink(outcome, state.kept);
  if (!outcome.ok() && state.failed.size() < most_failed)
    state.failed.push_back(state.next);
  state.stopped = state.stopped || (state.stop_on_error && !outcome.ok());
  state.results.push_back(result_message(id_of(state, state.next++), outcome));
}

void end(self_ptr self) {
  auto& state = self->state;
  command_outcome outcome;
  if (state.cancelled != errc::none)
    outcome = command_outcome::failure({state.cancelled, ""});
  outcome.fields["results"] = std::move(state.results);
  caf::anon_send(state.answer_to, worker_finished{state.task.number, std::move(outcome)});
  self->quit();
}

void go_on(self_ptr self) {
  auto& state = self->state;
  while (state.next < state.items.size() && !state.stopped && state.cancelled == errc::none) {
    auto& now = state.items[state.next];
    if (!now) {
      add(state, command_outcome::failure(now.error()));
      continue;
    }
    auto me = caf::actor_cast<caf::actor>(self);
    if (state.next > 0)
      caf::anon_send(state.answer_to, batch_progress{state.task.number, state.next, state.failed});
    if ((*now)->kind == command_kind::shell_exec) {
      state.running = spawn_shell_worker(self->system(), state.shell, {0, *now, nullptr, ""}, me);
      self->monitor(state.running);
      return;
    }
    std::vector<std::shared_ptr<const command>> row;
    for (auto i = state.next;
         i < state.items.size() && state.items[i] && is_file((*state.items[i])->kind); ++i)
      row.push_back(*state.items[i]);
    caf::actor_config cfg{state.where};
    auto worker = self->system().spawn_class<batch_files, caf::no_spawn_options>(
      cfg, std::move(row), state.task.context, state.stop_on_error, me);
    self->monitor(worker);
    return;
  }
  end(self);
}

caf::behavior behavior(self_ptr self, blocking_unit* where, shell_worker_deps shell,
                       batch_task task, caf::actor answer_to) {
  install_guards(self);
  auto& state = self->state;
  state.where = where;
  state.shell = std::move(shell);
  state.task = std::move(task);
  state.answer_to = std::move(answer_to);
  self->set_down_handler([self](const caf::down_msg& what) {
    if (what.reason && what.reason != caf::exit_reason::normal)
      self->quit(caf::exit_reason::unhandled_exception); // heard by whoever monitors us
  });
  const auto& body = state.task.what->body;
  auto items = body.find("items");
  if (items == body.end() || !items->is_array() || items->size() > most_items) {
    caf::anon_send(
      state.answer_to,
      worker_finished{state.task.number,
                      command_outcome::failure(
                        {errc::unprocessable, "items must be a list of at most 1000 commands"})});
    return {};
  }
  state.stop_on_error = body.value("stop_on_error", nlohmann::json{}) == true;
  for (std::size_t i = 0; i < items->size(); ++i)
    state.items.push_back(decode_item((*items)[i], *state.task.what, i));
  go_on(self);
  return {
    [self](batch_files_done& what) {
      for (auto& one : what.outcomes)
        add(self->state, std::move(one));
      go_on(self);
    },
    [self](worker_finished& what) {
      add(self->state, std::move(what.outcome));
      go_on(self);
    },
    [self](const shell_cancel& what) {
      self->state.cancelled = what.why;
      if (self->state.running)
        caf::anon_send(self->state.running, what);
    },
  };
}

} // namespace

caf::actor spawn_batch_worker(caf::actor_system& system, blocking_unit* where,
                              shell_worker_deps shell, batch_task task, caf::actor answer_to) {
  return system.spawn(behavior, where, std::move(shell), std::move(task), std::move(answer_to));
}

} // namespace holt
