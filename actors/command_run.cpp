// SPDX-License-Identifier: Apache-2.0

// A command runs: plan, journal, worker, end.

#include "actors/command_desk.hpp"
#include "transport/json_guard.hpp"
#include "transport/log.hpp"

#include <csignal>

namespace holt {

namespace {

/// The plan of a command whose effect cannot be looked at afterwards.
const files::file_plan began{{"began", true}};

/// shell.start at once.
constexpr std::size_t most_shells = 64;

std::optional<int> signal_number(const nlohmann::json& body) {
  auto i = body.find("signal");
  if (i == body.end() || i->is_null())
    return SIGTERM;
  if (i->is_number_integer() && i->get<int>() > 0 && i->get<int>() < NSIG)
    return i->get<int>();
  if (!i->is_string())
    return std::nullopt;
  auto word = i->get<std::string>();
  if (word.starts_with("SIG"))
    word.erase(0, 3);
  for (auto [name, number] : {std::pair{"INT", SIGINT},
                              {"TERM", SIGTERM},
                              {"KILL", SIGKILL},
                              {"HUP", SIGHUP},
                              {"QUIT", SIGQUIT},
                              {"USR1", SIGUSR1},
                              {"USR2", SIGUSR2},
                              {"STOP", SIGSTOP},
                              {"CONT", SIGCONT},
                              {"TSTP", SIGTSTP},
                              {"WINCH", SIGWINCH}})
    if (word == name)
      return number;
  return std::nullopt;
}

} // namespace

files::file_context command_desk::context_of(const entry& which) const {
  auto out = deps_.files;
  out.cancelled = which.cancelled.get();
  // Lists end where the link does; content above it comes apart and may fit all the same.
  out.limits.max_inline
    = std::min(out.limits.max_inline, links_[which.link].limits.max_payload * 7 / 10);
  return out;
}

void command_desk::pump() {
  while (auto number = queue_.next())
    if (auto* which = find(*number))
      run(*which);
    else
      queue_.done(*number); // cannot be; but a slot must never be lost
}

void command_desk::run(entry& which) {
  links_[which.link].ledger->running(in_ledger(which.number));
  which.at = stage::running;
  auto kind = which.what->kind;
  bool shell = kind == command_kind::shell_exec || kind == command_kind::shell_start;
  if (shell || which.shown)
    show_running(which);
  if (!which.effect)
    return go(which);
  which.at = stage::preparing;
  if (is_file_command(kind))
    return run_file(which, fs_step::plan);
  which.plan = began;
  fs_planned planned_now{which.number, {boost::system::in_place_value, which.plan}};
  planned(planned_now);
}

void command_desk::run_file(entry& which, fs_step step) {
  fs_task task;
  task.number = which.number;
  task.step = step;
  task.what = which.what;
  task.plan = which.plan;
  task.context = context_of(which);
  task.cancelled = which.cancelled;
  watch(spawn_fs_worker(self_->system(), deps_.blocking, std::move(task), me()), which.number);
}

void command_desk::watch(caf::actor worker, std::uint64_t number) {
  self_->monitor(worker);
  workers_[worker.address()] = number;
  if (auto* which = find(number))
    which->worker = std::move(worker);
}

/// The plan stands: into the journal, then the effect.
void command_desk::planned(fs_planned& what) {
  if (!ready_)
    return settle_planned(what);
  auto* which = find(what.number);
  if (which == nullptr)
    return;
  if (!what.plan)
    return finished(what.number, command_outcome::failure(what.plan.error()));
  if (which->ending != errc::none)
    return finished(what.number, command_outcome::failure({which->ending, "it had not started"}));
  which->plan = std::move(*what.plan);
  auto op = [to = me(), number = which->number,
             key = links_[which->link].ledger->key_of(which->what->src, which->what->id),
             plan = which->plan.dump()](link::journal_store& store) -> std::function<void()> {
    auto got = store.planned(key, plan);
    return [to, number, got] { caf::anon_send(to, journal_recorded{number, got, true}); };
  };
  if (!deps_.journal.post(std::move(op)))
    finished(what.number, command_outcome::failure({errc::busy, "the journal is not ready"}));
}

/// The effect, or the look.
void command_desk::go(entry& which) {
  if (which.ending != errc::none)
    return finished(which.number, command_outcome::failure({which.ending, "it had not started"}));
  which.at = stage::running;
  switch (which.what->kind) {
  case command_kind::shell_exec:
  case command_kind::shell_start: return run_shell(which);
  case command_kind::shell_input:
  case command_kind::shell_signal:
  case command_kind::shell_resize: return run_about_shell(which);
  case command_kind::batch: return run_batch(which);
  case command_kind::fs_watch: return run_watch(which);
  case command_kind::fs_unwatch: return run_unwatch(which);
  default: return run_file(which, fs_step::run);
  }
}

void command_desk::run_shell(entry& which) {
  const auto& slot = links_[which.link];
  if (which.what->kind == command_kind::shell_start && shells_ >= most_shells)
    return finished(which.number,
                    command_outcome::failure({errc::busy, "64 shells live on already"}));
  watch(spawn_shell_worker(self_->system(), deps_.shell,
                           {which.number, which.what, slot.port, slot.how.result_event}, me()),
        which.number);
}

/// shell.input, shell.signal, shell.resize: `target` is the id of the shell.start.
void command_desk::run_about_shell(entry& which) {
  const auto& what = *which.what;
  auto target = what.body.find("target");
  if (target == what.body.end() || !target->is_string())
    return finished(
      which.number,
      command_outcome::failure({errc::unprocessable, "target must be the id of a shell.start"}));
  const auto* open
    = links_[which.link].ledger->find(what.src, target->get_ref<const std::string&>());
  auto* shell = open != nullptr ? find(number_of(which.link, open->number)) : nullptr;
  if (shell == nullptr || shell->what->kind != command_kind::shell_start)
    return finished(which.number,
                    command_outcome::failure({errc::not_found, "no such shell runs"}));
  if (shell->job)
    return act_on_shell(which, *shell->job);
  shell->followers.push_back(which.number); // it is about to run
}

void command_desk::act_on_shell(entry& which, shell::shell_job& job) {
  const auto& what = *which.what;
  auto fail = [&](errc code, const char* why) {
    finished(which.number, command_outcome::failure({code, why}));
  };
  if (what.kind == command_kind::shell_signal) {
    auto number = signal_number(what.body);
    if (!number)
      return fail(errc::invalid_request, "signal must be a name or a number");
    job.signal(*number);
  } else if (what.kind == command_kind::shell_resize) {
    auto size = [&](const char* name) -> std::uint64_t {
      auto i = what.body.find(name);
      return i != what.body.end() && i->is_number_unsigned() ? i->get<std::uint64_t>() : 0;
    };
    auto columns = size("columns");
    auto rows = size("rows");
    if (columns - 1 >= 10'000 || rows - 1 >= 10'000)
      return fail(errc::invalid_request, "columns and rows must be numbers from 1 to 10000");
    job.resize(static_cast<unsigned>(columns), static_cast<unsigned>(rows));
  } else {
    auto data = what.body.find("data");
    if (data != what.body.end() && !data->is_string())
      return fail(errc::unprocessable, "data must be a string");
    auto bytes = data != what.body.end() ? data->get<std::string>() : std::string{};
    if (what.body.value("encoding", nlohmann::json{}) == "base64") {
      auto raw = from_base64(bytes);
      if (!raw)
        return fail(errc::invalid_request, "data is not base64");
      bytes = std::move(*raw);
    }
    if (!bytes.empty() && !job.write_stdin(std::move(bytes)))
      return fail(errc::busy, "its stdin is closed, or too much is waiting");
    if (what.body.value("close", nlohmann::json{}) == true)
      job.close_stdin();
  }
  finished(which.number, {});
}

void command_desk::run_batch(entry& which) {
  auto shell = deps_.shell;
  watch(spawn_batch_worker(self_->system(), deps_.blocking, std::move(shell),
                           {which.number, which.what, context_of(which), which.cancelled}, me()),
        which.number);
}

/// For whoever asks after a crash how far it had come. What follows does not wait for the journal.
void command_desk::progressed(const batch_progress& what) {
  auto* which = find(what.number);
  if (which == nullptr || !which->effect || which->at != stage::running)
    return;
  nlohmann::json plan{{"began", true}, {"done", what.done}, {"failed", what.failed}};
  (void)deps_.journal.post(
    [key = links_[which->link].ledger->key_of(which->what->src, which->what->id),
     text = plan.dump()](link::journal_store& store) -> std::function<void()> {
      (void)store.planned(key, text);
      return {};
    });
}

/// A shell that lives on gives its slot back: the slots are for what ends.
void command_desk::started(const shell_started& what) {
  auto* which = find(what.number);
  if (which == nullptr)
    return;
  which->job = what.job;
  if (which->what->kind != command_kind::shell_start)
    return;
  which->lives_on = true;
  ++shells_;
  queue_.done(what.number);
  auto job = what.job; // whatever follows may end the entry
  for (auto number : std::exchange(which->followers, {}))
    if (auto* follower = find(number))
      act_on_shell(*follower, *job);
  pump();
}

/// The outcome stands; it is not said yet.
void command_desk::finished(std::uint64_t number, command_outcome outcome) {
  if (!ready_)
    return settled(number, std::move(outcome));
  auto* which = find(number);
  if (which == nullptr || which->at == stage::storing || which->at == stage::sending)
    return;
  // A file command knows only that it was cancelled, not why.
  if (outcome.code == errc::cancelled && which->ending != errc::none)
    outcome.code = which->ending;
  if (auto held = outcome.fields.find("held_open_by");
      held != outcome.fields.end() && held->is_array() && !held->empty()) {
    survivor_row row{number,
                     which->what->id,
                     links_[which->link].how.session,
                     which->what->body.value("cmd", nlohmann::json{}).is_string()
                       ? deps_.mask->apply(which->what->body["cmd"].get<std::string>())
                       : std::string{},
                     {}};
    for (const auto& pid : *held)
      if (pid.is_number_integer())
        row.pids.push_back(pid.get<pid_t>());
    survivors_.push_front(std::move(row));
    if (survivors_.size() > 100)
      survivors_.pop_back();
  }
  keep_output(*which, nullptr);
  auto followers = std::exchange(which->followers, {});
  fit(*which, outcome);
  for (auto follower : followers) // it never ran
    finished(follower, command_outcome::failure({errc::not_found, "no such shell runs"}));
}

/// A worker has ended. Those that answered before are known no more.
void command_desk::worker_gone(const caf::down_msg& what) {
  auto i = workers_.find(what.source);
  if (i == workers_.end())
    return;
  auto number = i->second;
  workers_.erase(i);
  bool clean = !what.reason || what.reason == caf::exit_reason::normal
               || what.reason == caf::exit_reason::user_shutdown;
  if (clean)
    return;
  log::error("commands", "worker_crashed",
             {{"command", number}, {"reason", caf::to_string(what.reason)}});
  finished(number, command_outcome::failure({errc::internal, "its worker failed"}));
}

void command_desk::arm_deadline() {
  auto next = queue_.next_deadline();
  if (!next || (deadline_armed_ && *deadline_armed_ <= *next))
    return;
  deadline_armed_ = next;
  auto in = std::max<link::wall_ms>(0, *next - wall_now()) + 1;
  self_->delayed_send(self_, std::chrono::milliseconds{in}, deadline_due{++deadline_epoch_});
}

void command_desk::deadline(std::uint64_t epoch) {
  if (epoch != deadline_epoch_)
    return;
  deadline_armed_.reset();
  for (auto number : queue_.expire(wall_now()))
    finished(number, command_outcome::failure({errc::expired, "it waited too long"}));
  pump();
  arm_deadline();
}

void command_desk::cancel_entry(entry& which, errc why) {
  if (which.ending != errc::none)
    return;
  which.ending = why;
  which.cancelled->store(true);
  auto number = which.number;
  switch (which.at) {
  case stage::looking:
  case stage::preparing: return; // seen at the next step
  case stage::waiting:
    (void)queue_.cancel(number);
    return finished(number, command_outcome::failure({why, "it had not started"}));
  case stage::running: {
    auto kind = which.what->kind;
    if (!is_file_command(kind))
      caf::anon_send(which.worker, shell_cancel{why});
    return;
  }
  case stage::storing: return;
  case stage::sending: {
    auto& large = *which.large;
    large.off = large.bytes->size(); // no more pieces
    large.outcome = command_outcome::failure({why, "not all of its pieces were sent"});
    large.result = std::make_shared<const std::string>(
      http::dump_safe(result_message(which.what->id, large.outcome)));
    return;
  }
  }
}

} // namespace holt
