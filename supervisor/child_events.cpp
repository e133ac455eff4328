// SPDX-License-Identifier: Apache-2.0

// The rows of the child's table for what the port says and what timers ring.

#include "supervisor/child_actions.hpp"

#include <algorithm>

namespace holt::supervision {

namespace {

using std::chrono::duration_cast;

bool contains(const std::vector<int>& codes, int code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

} // namespace

// -- the port

void run::live() {
  c.pid = heard<spawned>().pid;
}

void run::live_stop() {
  live();
  if (sweeps())
    out.emplace_back(stop_port{});
}

void run::live_kill() {
  live();
  if (!sweeps() || c.exit_seen)
    return;
  c.verified = false;
  out.emplace_back(kill_port{});
}

void run::no_spawn() {
  const auto& said = heard<spawn_failed>();
  c.next = said.permanent ? aftermath::fail : aftermath::retry;
  record(death_cause::spawn_error, 0, said.reason);
  finish();
}

void run::no_spawn_asked() {
  if (c.exit_seen)
    return stale();
  record(death_cause::spawn_error, 0, heard<spawn_failed>().reason);
  finish();
}

void run::prove() {
  cancel(timer::ready_timeout);
  c.crashed = false;
  to(child_state::ready, {});
  if (!temporary())
    arm(timer::stable, spec.backoff.reset_after);
  if (spec.live.enabled)
    arm(timer::live_period, spec.live.period);
}

void run::extend() {
  const auto& said = heard<start_progress>();
  auto last = c.started_at + spec.ready.extended_timeout;
  auto left_ms = duration_cast<milliseconds>(last - when.now);
  if (left_ms.count() > 0)
    arm(timer::ready_timeout, std::min(spec.ready.timeout, left_ms));
  if (said.what != c.reason)
    to(child_state::starting, said.what);
}

void run::answer() {
  c.misses = c.late_probes = 0;
  if (!c.probing)
    return;
  cancel(timer::live_timeout);
  next_probe();
}

void run::miss() {
  if (c.late_probes > 0) {
    --c.late_probes; // our timeout has counted this one
    return stale();
  }
  if (!c.probing)
    return stale();
  cancel(timer::live_timeout);
  count_miss();
}

void run::silent() {
  ++c.late_probes;
  count_miss();
}

void run::count_miss() {
  if (++c.misses < spec.live.misses)
    return next_probe();
  c.probing = false;
  c.crashed = true;
  c.fault = death_cause::probe;
  c.next = aftermath::retry;
  cancel_all();
  to(child_state::unhealthy, "missed " + std::to_string(c.misses) + " probes");
  // What depends on it hears first; then it is killed, without a grace.
  arm(timer::grace, milliseconds{0});
}

/// The next probe is due one period after the last one began, not after it ended: three misses
/// of a stopped process are found within 4 periods.
void run::next_probe() {
  c.probing = false;
  auto due = c.probed_at + spec.live.period;
  arm(timer::live_period, std::max(milliseconds{0}, duration_cast<milliseconds>(due - when.now)));
}

void run::die() {
  const auto& said = heard<exited>();
  auto fatal = said.cause == death_cause::exit && contains(spec.fatal_exit_codes, said.code);
  if (!c.fault)
    c.next = fatal ? aftermath::fail : aftermath::retry;
  record(said.cause, said.code, said.detail, said.last_lines, said.peak_rss_bytes);
  if (sweeps() && spec.sweep_on_death)
    kill_run(c.reason);
  else
    finish();
}

void run::end_asked() {
  const auto& said = heard<exited>();
  record(said.cause, said.code, said.detail, said.last_lines, said.peak_rss_bytes);
  if (sweeps())
    kill_run(c.reason); // whatever it left behind
  else
    finish();
}

void run::end_killed() {
  if (c.exit_seen)
    return stale();
  const auto& said = heard<exited>();
  record(said.cause, said.code, said.detail, said.last_lines, said.peak_rss_bytes);
  if (c.verified || !sweeps())
    finish();
}

void run::verify() {
  c.verified = true;
  c.survivors = heard<kill_verified>().survivors;
  if (c.exit_seen)
    finish();
}

// -- timers

void run::overdue() {
  c.fault = death_cause::timeout;
  c.crashed = true;
  c.next = aftermath::retry;
  auto waited = duration_cast<milliseconds>(when.now - c.started_at).count();
  kill_run("was not ready within " + std::to_string(waited) + " ms");
}

void run::kill_now() {
  kill_run(c.reason);
}

void run::abandon() {
  if (!c.exit_seen)
    record(death_cause::signal, 9, "did not end within its kill grace");
  if (!c.verified)
    c.reason += "; its end could not be verified";
  finish();
}

void run::retry_now() {
  c.due.reset();
  launch_or_wait();
}

void run::steady() {
  c.cooling = false;
  c.ledger.prove_healthy();
}

void run::ask() {
  c.probing = true;
  c.probed_at = when.now;
  arm(timer::live_timeout, spec.live.timeout);
  out.emplace_back(probe_port{});
}

} // namespace holt::supervision
