// SPDX-License-Identifier: Apache-2.0

// What a former life left, before the first join: files by the hashes of their plans, what had not
// begun from the start, a command line that ran is interrupted and never run again. Command lines
// and batches that only waited are run once all that is settled: they may take as long as they
// like.

#include "actors/command_desk.hpp"
#include "transport/json_guard.hpp"
#include "transport/log.hpp"

#include <algorithm>

namespace holt {

namespace {

constexpr std::size_t most_restored = 1'000;

constexpr std::chrono::milliseconds begins_every{5};
constexpr unsigned most_begins = 1'000; ///< 5 s: one that hangs in a dead file system

/// What is known of a command that ran: of a batch, how far it had come.
command_outcome interrupted(const command& what, const nlohmann::json& plan) {
  auto done = plan.find("done");
  if (what.kind != command_kind::batch || done == plan.end() || !done->is_number_unsigned())
    return command_outcome::failure({errc::interrupted, "the daemon ended while it ran"});
  auto items = what.body.find("items");
  auto of = items != what.body.end() ? items->size() : 0;
  auto out = command_outcome::failure(
    {errc::interrupted, "the daemon ended while it ran: at least " + done->dump() + " of "
                          + std::to_string(of) + " items were done"});
  out.fields["items_done"] = *done;
  out.fields["items_failed"] = plan.value("failed", nlohmann::json::array());
  return out;
}

} // namespace

/// Not before the workers of a former life have ended: they were told to, and what they change must
/// not change under whoever settles it.
void command_desk::begin() {
  if (deps_.blocking != nullptr && deps_.blocking->busy() > 0 && begins_ < most_begins) {
    ++begins_;
    self_->delayed_send(self_, begins_every, begin_again{});
    return;
  }
  std::vector<std::string> sessions;
  for (const auto& slot : links_)
    sessions.push_back(slot.how.session);
  auto op
    = [to = me(), sessions, now = wall_now()](link::journal_store& store) -> std::function<void()> {
    journal_former out{store.unfinished(), {}, store.last_activity(), store.last_rseq()};
    link::history_limits limits;
    auto since = std::max<link::wall_ms>(out.last_activity - limits.before_outage,
                                         now - limits.rebroadcast_age);
    for (const auto& session : sessions) {
      auto rows = store.finished_since(session, since, most_restored);
      out.finished.push_back(rows ? *rows : std::vector<link::journal_row>{});
    }
    return [to, out = std::move(out)] { caf::anon_send(to, out); };
  };
  if (deps_.journal.post(std::move(op)))
    return;
  deps_.on_fault("the journal is not there");
  self_->quit(caf::exit_reason::unhandled_exception);
}

void command_desk::former(journal_former& what) {
  auto silent_since = what.last_activity != 0 ? what.last_activity : wall_now();
  last_rseq_ = what.last_rseq;
  const auto& who = deps_.identity;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    auto& slot = links_[i];
    slot.ledger = std::make_unique<link::command_ledger>(
      link::ledger_identity{slot.how.session, who.id, who.since, who.boot}, silent_since);
    if (i < what.finished.size())
      restored_[i] = std::move(what.finished[i]);
  }
  if (!what.unfinished) {
    deps_.on_fault(what.unfinished.error().detail);
    return self_->quit(caf::exit_reason::unhandled_exception);
  }
  for (auto& row : *what.unfinished) {
    former_row one{std::move(row), nullptr, nullptr};
    auto body = nlohmann::json::parse(one.row.command, nullptr, false);
    if (auto decoded = decode_command(body))
      one.what = std::make_shared<const command>(std::move(*decoded));
    former_.push_back(std::move(one));
  }
  if (!former_.empty())
    log::info("commands", "settling", {{"rows", former_.size()}});
  settle_next();
}

/// A command line or a batch that had not begun, and that somebody still waits for.
bool command_desk::only_waited(const former_row& one) const {
  bool ours = std::any_of(links_.begin(), links_.end(), [&](const link_slot& slot) {
    return slot.how.session == one.row.key.session;
  });
  return ours && one.what && one.row.plan.empty() && !is_file_command(one.what->kind)
         && !(one.what->deadline_ms && *one.what->deadline_ms < wall_now());
}

/// One row after the other, oldest first: later ones may build on earlier ones.
void command_desk::settle_next() {
  while (!former_.empty() && only_waited(former_.front())) {
    waited_.push_back(std::move(former_.front()));
    former_.pop_front();
  }
  if (former_.empty())
    return settle_done();
  auto& one = former_.front();
  auto plan = nlohmann::json::parse(one.row.plan, nullptr, false);
  bool had_begun = !one.row.plan.empty();
  if (!one.what || plan.is_discarded() == had_begun)
    return settled(0, command_outcome::failure({errc::interrupted, "its row cannot be read"}));
  if (!had_begun && one.what->deadline_ms && *one.what->deadline_ms < wall_now())
    return settled(0, command_outcome::failure({errc::expired, "the daemon ended before it ran"}));
  if (!is_file_command(one.what->kind))
    return settled(0, had_begun ? interrupted(*one.what, plan)
                                : command_outcome::failure(
                                  {errc::interrupted, "the daemon ended before it ran, and has "
                                                      "left its session; nothing was done"}));
  if (had_begun)
    one.plan = std::move(plan);
  settle_step(had_begun ? fs_step::settle : fs_step::plan);
}

void command_desk::settle_step(fs_step step) {
  const auto& one = former_.front();
  fs_task task;
  task.step = step;
  task.what = one.what;
  task.plan = one.plan;
  task.context = deps_.files;
  watch(spawn_fs_worker(self_->system(), deps_.blocking, std::move(task), me()), 0);
}

/// What had not begun begins now, as it would have: the plan into the journal first.
void command_desk::settle_planned(fs_planned& what) {
  if (former_.empty())
    return;
  if (!what.plan)
    return settled(0, command_outcome::failure(what.plan.error()));
  auto& one = former_.front();
  one.plan = std::move(*what.plan);
  auto op = [to = me(), key = one.row.key,
             plan = one.plan.dump()](link::journal_store& store) -> std::function<void()> {
    auto got = store.planned(key, plan);
    return [to, got] { caf::anon_send(to, journal_recorded{0, got, true}); };
  };
  if (!deps_.journal.post(std::move(op)))
    settled(0, command_outcome::failure({errc::interrupted, "the journal is gone"}));
}

void command_desk::settle_recorded(const journal_recorded& what) {
  if (former_.empty())
    return;
  if (!what.got)
    return settled(0, command_outcome::failure(what.got.error()));
  settle_step(fs_step::run);
}

void command_desk::settled(std::uint64_t, command_outcome outcome) {
  if (former_.empty())
    return;
  const auto& one = former_.front();
  auto message = std::make_shared<nlohmann::json>(result_message(one.row.key.id, outcome));
  auto op = [to = me(), key = one.row.key, message,
             now = wall_now()](link::journal_store& store) -> std::function<void()> {
    link::shared_text text;
    auto got = store.done(
      key,
      [&](std::uint64_t rseq) {
        (*message)["rseq"] = rseq;
        text = std::make_shared<const std::string>(http::dump_safe(*message));
        return *text;
      },
      now);
    return [to, got, text] { caf::anon_send(to, journal_stored{0, got, text}); };
  };
  if (!deps_.journal.post(std::move(op))) {
    deps_.on_fault("the journal is gone");
    self_->quit(caf::exit_reason::unhandled_exception);
  }
}

void command_desk::settled_stored(const journal_stored& what) {
  if (former_.empty())
    return;
  auto row = std::move(former_.front().row);
  former_.pop_front();
  if (what.got) {
    row.done = true;
    row.result = *what.text;
    row.rseq = *what.got;
    row.done_at = wall_now();
    last_rseq_ = std::max(last_rseq_, row.rseq);
    for (std::size_t i = 0; i < links_.size(); ++i)
      if (links_[i].how.session == row.key.session)
        restored_[i].push_back(row);
  } else {
    log::error("commands", "not_settled", {{"detail", what.got.error().detail}});
  }
  settle_next();
}

void command_desk::settle_done() {
  for (std::size_t i = 0; i < links_.size(); ++i)
    links_[i].ledger->restore(restored_[i]);
  restored_.clear();
  ready_ = true;
  deps_.on_ready();
  for (auto& one : std::exchange(waited_, {}))
    run_waited(one);
}

/// As if it had just come, but for RECEIVED, which is written.
void command_desk::run_waited(former_row& one) {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    auto& slot = links_[i];
    if (slot.how.session != one.row.key.session)
      continue;
    auto decision = slot.ledger->arrived(*one.what, one.row.fingerprint, wall_now());
    const auto* open = std::get_if<link::look_up>(&decision);
    if (open == nullptr)
      break;
    auto& which = admit(i, number_of(i, open->number), one.what, one.row.fingerprint);
    which.recorded = true;
    (void)slot.ledger->received(open->number);
    return enqueue(which);
  }
  log::warn("commands", "left_waiting", {{"session", one.row.key.session}, {"id", one.row.key.id}});
}

} // namespace holt
