// SPDX-License-Identifier: Apache-2.0
#include "supervisor/child_actions.hpp"

#include <algorithm>

namespace holt::supervision {

namespace {

using std::chrono::duration_cast;

/// A death within this time before its dependency's death was the dependency's doing: pidfds of
/// both may be read in either order.
constexpr auto blame_window = milliseconds{1'000};

/// After hurry: time to see the kill through, within the second that a second SIGTERM may take.
constexpr auto quick_kill_grace = milliseconds{500};

bool contains(const std::vector<int>& codes, int code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

} // namespace

// -- small tools

void run::to(child_state next, std::string reason) {
  auto from = c.state;
  c.state = next;
  c.reason = std::move(reason);
  out.emplace_back(state_changed{from, next, c.reason});
}

void run::arm(timer which, milliseconds after) {
  auto epoch = timer_epoch{++c.epochs};
  c.armed[static_cast<std::size_t>(which)] = epoch;
  out.emplace_back(arm_timer{which, epoch, after});
}

void run::cancel(timer which) {
  auto& epoch = c.armed[static_cast<std::size_t>(which)];
  if (epoch == timer_epoch{})
    return;
  epoch = {};
  out.emplace_back(cancel_timer{which});
}

void run::cancel_all() {
  for (std::size_t i = 0; i < timer_count; ++i)
    cancel(static_cast<timer>(i));
}

void run::launch() {
  c.gen = generation{static_cast<std::uint64_t>(c.gen) + 1};
  c.pid = 0;
  c.exit_seen = c.verified = c.probing = c.clean = false;
  c.fault.reset();
  c.survivors = c.misses = c.late_probes = 0;
  c.started_at = when.now;
  c.next = aftermath::rest;
  c.due.reset();
  to(child_state::starting, "starts");
  arm(timer::ready_timeout, spec.ready.timeout);
  out.emplace_back(start_port{});
}

void run::launch_or_wait() {
  if (c.may_run)
    launch();
  else
    to(child_state::waiting, "waits for a dependency");
}

void run::stop_run(aftermath next, std::string reason) {
  c.next = next;
  cancel_all();
  if (c.quick) {
    kill_run(std::move(reason));
    return;
  }
  to(child_state::stopping, std::move(reason));
  arm(timer::grace, spec.stop.grace);
  out.emplace_back(stop_port{});
}

void run::kill_run(std::string reason) {
  cancel_all();
  c.verified = false;
  to(child_state::killing, std::move(reason));
  arm(timer::kill_grace,
      c.quick ? std::min(spec.stop.kill_grace, quick_kill_grace) : spec.stop.kill_grace);
  out.emplace_back(kill_port{});
}

void run::record(death_cause cause, int code, std::string detail,
                 std::vector<std::string> last_lines, std::uint64_t peak_rss_bytes) {
  auto asked = c.next == aftermath::rest || c.next == aftermath::again;
  auto ending = c.state == child_state::stopping || c.state == child_state::killing;
  death_record death;
  death.gen = c.gen;
  death.pid = c.pid;
  death.cause = c.fault.value_or(cause);
  death.code = code;
  death.detail = std::move(detail);
  death.uptime = duration_cast<milliseconds>(when.now - c.started_at);
  death.at = when.wall;
  death.peak_rss_bytes = peak_rss_bytes;
  death.last_lines = std::move(last_lines);
  if (death.last_lines.size() > 20)
    death.last_lines.erase(death.last_lines.begin(), death.last_lines.end() - 20);
  death.expected = ending && asked && !c.fault;
  c.exit_seen = true;
  c.clean = !c.fault && (cause == death_cause::exit || cause == death_cause::actor)
            && contains(spec.clean_exit_codes, code);
  const auto done = c.clean && spec.restart != restart_policy::permanent;
  if (!death.expected)
    c.reason = done ? "ended as it should" : sentence(death);
  if (!death.expected && !done) {
    c.crashed = true;
    ++c.restarts;
  }
  out.emplace_back(death_recorded{std::move(death)});
}

void run::finish() {
  cancel_all();
  c.pid = 0;
  if (c.survivors > 0)
    c.reason += "; " + std::to_string(c.survivors) + " of its processes could not be killed";
  auto next = c.next;
  if (next == aftermath::again && (temporary() || !c.wanted))
    next = aftermath::rest;
  switch (next) {
  case aftermath::rest:
    c.wanted = false;
    to(child_state::stopped, c.reason);
    break;
  case aftermath::again: launch_or_wait(); break;
  case aftermath::retry: decide(); break;
  case aftermath::fail:
    if (temporary())
      c.wanted = false;
    to(child_state::failed, c.reason);
    break;
  }
  if (temporary())
    out.emplace_back(left{});
}

/// It died. Restart by policy, ledger and what is left of the budget.
void run::decide() {
  if (spec.restart != restart_policy::permanent && c.clean) {
    c.wanted = false;
    c.crashed = false;
    c.completed = true;
    to(child_state::stopped, c.reason);
    return;
  }
  if (temporary()) {
    c.wanted = false;
    to(child_state::failed, c.reason);
    return;
  }
  auto delay = c.ledger.enter_death(when.now, spec.budget, spec.backoff, when.random);
  if (delay && !c.cooling) {
    c.due = when.now + *delay;
    to(child_state::backoff, c.reason);
    // Also a delay of 0 is a timer: what depended on it is stopped first.
    arm(timer::backoff, *delay);
    return;
  }
  give_up(c.reason);
}

void run::give_up(std::string reason) {
  const auto deaths = spec.budget.deaths + 1;
  auto text = "gave up after " + std::to_string(deaths) + (deaths == 1 ? " death" : " deaths")
              + " within " + std::to_string(spec.budget.window.count() / 1'000)
              + " s, the last: " + reason;
  switch (spec.on_exhausted) {
  case exhausted_policy::cooldown:
    c.cooling = true;
    c.due = when.now + spec.cooldown_period;
    to(child_state::cooldown, std::move(reason));
    arm(timer::cooldown, spec.cooldown_period);
    break;
  case exhausted_policy::degrade: to(child_state::failed, std::move(text)); break;
  case exhausted_policy::escalate:
    to(child_state::failed, text);
    out.emplace_back(escalated{std::move(text)});
    break;
  }
}

void run::forgive() {
  c.ledger.forgive(when.now, blame_window);
}

// -- asked

void run::begin() {
  c.wanted = true;
  c.completed = c.cooling = c.crashed = false;
  c.ledger.reset();
  c.due.reset();
  cancel_all();
  launch_or_wait();
}

void run::again() {
  c.wanted = true;
  if (c.next == aftermath::rest || c.next == aftermath::fail)
    c.next = aftermath::again;
}

void run::unwant() {
  c.wanted = false;
}

void run::rest() {
  c.wanted = c.crashed = c.cooling = false;
  c.due.reset();
  cancel_all();
  to(child_state::stopped, std::get<stop_asked>(what).why);
  if (temporary())
    out.emplace_back(left{});
}

void run::halt() {
  c.wanted = false;
  stop_run(aftermath::rest, std::get<stop_asked>(what).why);
}

void run::halt_hung() {
  c.wanted = false;
  c.next = aftermath::rest;
  kill_run(c.reason);
}

void run::settle() {
  c.wanted = c.cooling = false;
  c.next = aftermath::rest;
}

void run::redo() {
  stop_run(aftermath::again, "restarts on request");
}

void run::redo_hung() {
  c.next = aftermath::again;
  kill_run(c.reason);
}

void run::redo_next() {
  c.wanted = true;
  c.next = aftermath::again;
}

void run::hasten() {
  c.quick = true;
}

void run::hasten_kill() {
  c.quick = true;
  kill_run(c.reason);
}

void run::hasten_grace() {
  if (c.quick)
    return;
  c.quick = true;
  arm(timer::kill_grace, std::min(spec.stop.kill_grace, quick_kill_grace));
}

// -- dependencies

void run::open() {
  c.may_run = true;
}

void run::open_go() {
  c.may_run = true;
  launch();
}

void run::close() {
  c.may_run = false;
}

void run::close_halt() {
  c.may_run = false;
  if (std::get<dep_lost>(what).to_blame)
    forgive();
  stop_run(aftermath::again, std::get<dep_lost>(what).why);
}

void run::close_hung() {
  c.may_run = false;
  c.next = aftermath::again;
  kill_run(c.reason);
}

void run::close_dying() {
  c.may_run = false;
  // It died while its dependency did: no fault of its own, no budget used.
  if (std::get<dep_lost>(what).to_blame && c.next == aftermath::retry && !c.fault && !c.clean)
    c.next = aftermath::again;
}

void run::close_backoff() {
  c.may_run = false;
  if (!std::get<dep_lost>(what).to_blame)
    return;
  forgive();
  cancel(timer::backoff);
  c.due.reset();
  to(child_state::waiting, "waits for a dependency");
}

} // namespace holt::supervision
